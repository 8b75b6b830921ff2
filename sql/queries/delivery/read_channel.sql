-- One channel with its address and secret, for the owner alone: $1 tenant_id, $2 channel.
select kind, url, secret, allow_private
from runledger.alert_channels
where tenant_id = $1 and channel = $2
