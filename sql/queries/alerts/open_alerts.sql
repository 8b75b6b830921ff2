-- Opens alerts; a key that has an open one already is left alone. $1 jsonb array.
insert into runledger.alerts (
  tenant_id, rule, code, environment, pipeline, subject, severity, state, run_id, numbers, fired_at, last_bad_at)
select u.tenant_id, u.rule, u.code, u.environment, u.pipeline, u.subject, u.severity, 'firing', u.run_id, u.numbers, u.fired_at, u.last_bad_at
from jsonb_to_recordset($1::jsonb) as u (
  tenant_id int, rule text, code text, environment text, pipeline text, subject text, severity text, run_id bigint, numbers jsonb,
  fired_at timestamptz, last_bad_at timestamptz)
order by u.tenant_id, u.environment collate "C", u.pipeline collate "C", u.subject collate "C"
on conflict do nothing
returning tenant_id, alert_id, environment, pipeline, subject
