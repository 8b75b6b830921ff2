-- The newest message that was sent to a channel about each alert that is still open: $1 channel_tenant_id, $2 channel, $3 at most so many.
select distinct on (d.tenant_id, d.alert_id) d.message
from runledger.alerts as a
join runledger.alert_deliveries as d on d.tenant_id = a.tenant_id and d.alert_id = a.alert_id
where a.state <> 'resolved' and d.channel_tenant_id = $1 and d.channel = $2 and d.state = 'sent' and d.event <> 'test'
order by d.tenant_id, d.alert_id, d.event_at desc, d.delivery_id desc
limit $3
