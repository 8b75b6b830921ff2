-- All channels without their addresses and secrets: only the host. $1: only that tenant's, or null.
select tenant_id, channel, kind, host, min_severity, allow_private, enabled, from_environment, created_at
from runledger.alert_channels
where $1::int is null or tenant_id = $1
order by tenant_id, channel
