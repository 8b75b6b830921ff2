-- Runs of the last days, newest first, with their usual duration beside them. Variables: since (date), pipeline (text).
select tenant_id, run_id, pipeline, environment, status, degraded, started_at, round(duration_ms / 60000.0, 1) as minutes,
  round(usual_duration_ms / 60000.0, 1) as usual_minutes, units, error_rate, items_delivered, cost_usd, has_unpriced_usage
from runs
where started_at >= {{since}} [[and pipeline = {{pipeline}}]]
order by started_at desc
limit 500;
