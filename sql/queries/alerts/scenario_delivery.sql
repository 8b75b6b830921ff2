-- What became of a message to that channel. $1 tenant_id int, $2 channel text, $3 when timestamptz, $4 state, $5 last_error.
insert into runledger.alert_deliveries (
  tenant_id, alert_id, channel_tenant_id, channel, event, event_at, message, state, attempts, next_attempt_at, last_error, created_at, finished_at)
values ($1::int, 0, $1::int, $2::text, 'test', $3::timestamptz, '{}', $4::text, 1, $3::timestamptz, $5::text, $3::timestamptz, $3::timestamptz)
on conflict do nothing
