-- Every channel and whether it is in use: what tells a message that can go nowhere.
select tenant_id, channel, kind, enabled
from runledger.alert_channels
