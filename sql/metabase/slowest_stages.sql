-- The stages with the worst p95 of all runs. Variables: since (date), pipeline (text).
select started_at, tenant_id, run_id, pipeline, stage, duration_class, duration_samples, p50_ms, p95_ms, error_rate, retry_count
from stage_latency
where started_at >= {{since}} and p95_ms is not null [[and pipeline = {{pipeline}}]]
order by p95_ms desc
limit 50;
