-- Puts messages into the outbox. $1 jsonb array, $2 now timestamptz.
insert into runledger.alert_deliveries (
  tenant_id, alert_id, channel_tenant_id, channel, event, event_at, message, next_attempt_at, created_at)
select u.tenant_id, u.alert_id, u.channel_tenant_id, u.channel, u.event, u.event_at, u.message, $2::timestamptz, $2::timestamptz
from jsonb_to_recordset($1::jsonb) as u (
  tenant_id int, alert_id bigint, channel_tenant_id int, channel text, event text, event_at timestamptz, message jsonb)
order by u.tenant_id, u.alert_id, u.channel_tenant_id, u.channel collate "C"
on conflict do nothing
returning delivery_id
