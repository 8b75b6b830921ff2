-- Every alert, open or over, one row each, with how long it lasted. For tenants, operators and BI tools; reads no events.
create or replace view public.alert_history with (security_invoker = true) as
select
  a.tenant_id,
  a.alert_id,
  a.code,
  a.rule,
  a.severity,
  a.state,
  a.environment,
  a.pipeline,
  a.subject,
  a.run_id,
  case when jsonb_typeof(a.numbers -> 'value') = 'number' then (a.numbers ->> 'value')::numeric end as value,
  case when jsonb_typeof(a.numbers -> 'limit') = 'number' then (a.numbers ->> 'limit')::numeric end as limit_value,
  a.numbers,
  a.fired_at,
  a.last_bad_at,
  a.acked_at,
  a.acked_by,
  a.snoozed_until,
  a.snoozed_by,
  a.note,
  a.resolved_at,
  a.resolved_run_id,
  a.resolved_because,
  round(extract(epoch from a.acked_at - a.fired_at) / 60, 1) as minutes_to_ack,
  round(extract(epoch from a.resolved_at - a.fired_at) / 60, 1) as minutes_open
from runledger.alerts a;

comment on view public.alert_history is 'Alerts, one row each time something went wrong, open and over; tenant 0: the installation';
comment on column public.alert_history.code is 'Names the runbook, as in CR-02';
comment on column public.alert_history.state is 'firing, acked, snoozed or resolved';
comment on column public.alert_history.subject is 'What of the pipeline: a stage, vendor, metric, budget, ...; empty: the run itself';
comment on column public.alert_history.run_id is 'The newest run for which it was bad; null where no run shows it';
comment on column public.alert_history.value is 'What was measured, where the kind of rule measures one number';
comment on column public.alert_history.limit_value is 'What it is held against';
comment on column public.alert_history.numbers is 'All that was measured; the runbook explains each key';
comment on column public.alert_history.minutes_to_ack is 'From firing to the acknowledgement; null: nobody did';
comment on column public.alert_history.minutes_open is 'From firing to its end; null: still open';
revoke all on public.alert_history from public;
grant select on public.alert_history to runledger_reader, runledger_operator, runledger_bi;
