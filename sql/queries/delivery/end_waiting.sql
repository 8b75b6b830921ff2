-- Gives up what waits for a channel that is gone: $1 channel_tenant_id, $2 channel, $3 now, $4 why.
update runledger.alert_deliveries
set state = 'dead', last_error = $4, finished_at = $3
where state = 'pending' and channel_tenant_id = $1 and channel = $2
