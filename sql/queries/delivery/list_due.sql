-- What may be sent to a channel now, oldest first: $1 channel_tenant_id, $2 channel, $3 now, $4 at most so many. A message stays behind while
-- an earlier one of the same alert waits for another try, so that nothing resolves before it fired.
select d.tenant_id, d.delivery_id, d.message, d.attempts, d.last_error
from runledger.alert_deliveries as d
where d.state = 'pending' and d.channel_tenant_id = $1 and d.channel = $2 and d.next_attempt_at <= $3
  and not exists (
    select from runledger.alert_deliveries as e
    where e.tenant_id = d.tenant_id and e.alert_id = d.alert_id and e.channel_tenant_id = d.channel_tenant_id and e.channel = d.channel
      and e.state = 'pending' and e.next_attempt_at > $3
      and (e.event_at, e.delivery_id) < (d.event_at, d.delivery_id)
  )
order by d.event_at, d.delivery_id
limit $4
