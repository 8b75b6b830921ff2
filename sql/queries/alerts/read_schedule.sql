-- $1 tenant_id int, $2 pipeline text, $3 environment text.
select tenant_id, pipeline, environment, cron, timezone, start_grace_seconds, run_limit_seconds, minimum_seconds,
  except_days::text[] as except_days, enabled, created_at
from runledger.schedules
where tenant_id = $1::int and pipeline = $2::text and environment = $3::text
