-- $1 tenant_id, $2 channel, $3 whether it is in use.
update runledger.alert_channels set enabled = $3 where tenant_id = $1 and channel = $2
