-- Channels for which messages are due at $1 timestamptz, the one that waits longest first.
select channel_tenant_id as tenant_id, channel
from runledger.alert_deliveries
where state = 'pending' and next_attempt_at <= $1
group by channel_tenant_id, channel
order by min(event_at), channel_tenant_id, channel
