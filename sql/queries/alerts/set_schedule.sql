-- Writes a schedule. Other times count from now on: nobody is blamed for not having started a run that was not expected then. $1 tenant_id int,
-- $2 pipeline, $3 environment, $4 cron, $5 timezone text, $6 grace, $7 limit, $8 minimum in seconds, $9 except_days date[], $10 enabled,
-- $11 now timestamptz.
insert into runledger.schedules as s (
  tenant_id, pipeline, environment, cron, timezone, start_grace_seconds, run_limit_seconds, minimum_seconds, except_days, enabled, created_at)
values ($1::int, $2::text, $3::text, $4::text, $5::text, $6::int, $7::int, $8::int, $9::date[], $10::boolean, $11::timestamptz)
on conflict (tenant_id, pipeline, environment) do update set
  cron = excluded.cron,
  timezone = excluded.timezone,
  start_grace_seconds = excluded.start_grace_seconds,
  run_limit_seconds = excluded.run_limit_seconds,
  minimum_seconds = excluded.minimum_seconds,
  except_days = excluded.except_days,
  enabled = excluded.enabled,
  created_at = case
    when (s.cron, s.timezone, s.enabled) is distinct from (excluded.cron, excluded.timezone, excluded.enabled) then excluded.created_at
    else s.created_at end
