-- Writes what a sweep decided, where nobody changed the alert since it was read (was_...): what was decided about the alert before does not hold
-- for it then, and the next sweep decides anew. $1 jsonb array.
update runledger.alerts a
set
  severity = u.severity,
  state = u.state,
  run_id = u.run_id,
  numbers = u.numbers,
  last_bad_at = u.last_bad_at,
  reminded_at = u.reminded_at,
  snoozed_until = u.snoozed_until,
  resolved_at = u.resolved_at,
  resolved_run_id = u.resolved_run_id,
  resolved_because = u.resolved_because
from jsonb_to_recordset($1::jsonb) as u (
  tenant_id int, alert_id bigint, severity text, state text, run_id bigint, numbers jsonb, last_bad_at timestamptz, reminded_at timestamptz,
  snoozed_until timestamptz, resolved_at timestamptz, resolved_run_id bigint, resolved_because text, was_state text,
  was_severity text, was_snoozed_until timestamptz, was_reminded_at timestamptz)
where a.tenant_id = u.tenant_id
  and a.alert_id = u.alert_id
  and a.state = u.was_state
  and a.severity = u.was_severity
  and a.snoozed_until is not distinct from u.was_snoozed_until
  and a.reminded_at is not distinct from u.was_reminded_at
returning a.tenant_id, a.alert_id
