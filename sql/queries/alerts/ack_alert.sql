-- Somebody looks after it. $1 alert_id bigint, $2 who, $3 note or null, $4 now timestamptz.
update runledger.alerts
set state = 'acked', acked_at = $4::timestamptz, acked_by = $2::text, note = coalesce($3::text, note), snoozed_until = null
where alert_id = $1::bigint
  and state <> 'resolved'
returning tenant_id, alert_id, code
