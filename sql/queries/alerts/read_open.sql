-- The open alerts of a rule, in the order in which they are written. $1 rule text.
select tenant_id, alert_id, environment, pipeline, subject, severity, state, run_id, numbers, fired_at, last_bad_at, reminded_at, snoozed_until,
  snoozed_until::text as snoozed_until_text
from runledger.alerts
where rule = $1::text
  and state <> 'resolved'
order by tenant_id, environment, pipeline, subject
