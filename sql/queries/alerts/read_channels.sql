-- The channels that messages go to. Tenant 0's get those of all tenants.
select tenant_id, channel, min_severity
from runledger.alert_channels
where enabled
order by tenant_id, channel
