-- Changes a channel of the same kind and origin: parameters as in add_channel. Apart from it, because an upsert reads the address that it
-- writes, and whoever may write one may not read it.
update runledger.alert_channels
set url = $4, min_severity = $5, allow_private = $6
where tenant_id = $1 and channel = $2 and kind = $3 and from_environment = $7
