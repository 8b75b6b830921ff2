-- A test message for each enabled channel, or for the one of this name. $1 tenant_id int of the channel or null, $2 channel or null, $3 message
-- jsonb, $4 now timestamptz.
insert into runledger.alert_deliveries (
  tenant_id, alert_id, channel_tenant_id, channel, event, event_at, message, next_attempt_at, created_at)
select c.tenant_id, 0, c.tenant_id, c.channel, 'test', $4::timestamptz,
  $3::jsonb || jsonb_build_object('tenant_id', c.tenant_id), $4::timestamptz, $4::timestamptz
from runledger.alert_channels c
where c.enabled
  and ($1::int is null or c.tenant_id = $1::int)
  and ($2::text is null or c.channel = $2::text)
order by c.tenant_id, c.channel
on conflict do nothing
returning tenant_id, delivery_id, channel
