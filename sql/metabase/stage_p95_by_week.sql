-- The p95 of each stage by week, all runs merged. Variables: since (date), stage (text).
select week, tenant_id, pipeline, stage, class, runs, samples, p50_ms, p95_ms, p99_ms
from latency_trends
where week >= {{since}} and vendor is null [[and stage = {{stage}}]]
order by week desc, p95_ms desc;
