-- $1 tenant_id, $2 channel, $3 secret or null. Apart from the rest, because whoever may write a secret may not read the one it replaces.
update runledger.alert_channels set secret = $3 where tenant_id = $1 and channel = $2
