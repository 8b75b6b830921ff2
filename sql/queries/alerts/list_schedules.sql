-- All schedules; days as text, because a date has no time zone and a client would give it one.
select tenant_id, pipeline, environment, cron, timezone, start_grace_seconds, run_limit_seconds, minimum_seconds,
  except_days::text[] as except_days, enabled, created_at
from runledger.schedules
order by tenant_id, pipeline, environment
