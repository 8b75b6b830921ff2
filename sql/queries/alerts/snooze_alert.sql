-- Nothing is sent until a time. $1 alert_id bigint, $2 who, $3 note or null, $4 until timestamptz.
update runledger.alerts
set state = 'snoozed', snoozed_until = $4::timestamptz, snoozed_by = $2::text, note = coalesce($3::text, note)
where alert_id = $1::bigint
  and state <> 'resolved'
returning tenant_id, alert_id, code
