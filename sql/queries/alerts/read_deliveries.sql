-- What became of messages. $1 delivery ids bigint[].
select tenant_id, delivery_id, channel, state, attempts, last_error
from runledger.alert_deliveries
where delivery_id = any ($1::bigint[])
order by tenant_id, channel
