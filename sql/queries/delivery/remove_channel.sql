-- $1 tenant_id, $2 channel, $3 whether one that comes from the environment is meant.
delete from runledger.alert_channels where tenant_id = $1 and channel = $2 and from_environment = $3
