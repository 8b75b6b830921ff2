-- Puts what was given up back into the outbox: $1 channel_tenant_id, $2 channel, $3 now, $4 given up since. Not where a later message about the
-- same alert was sent since: an alert must not fire after it resolved.
update runledger.alert_deliveries as d
set state = 'pending', attempts = 0, next_attempt_at = $3, last_error = null, finished_at = null
where d.state = 'dead' and d.channel_tenant_id = $1 and d.channel = $2 and d.finished_at >= $4
  and not exists (
    select from runledger.alert_deliveries as e
    where e.tenant_id = d.tenant_id and e.alert_id = d.alert_id and e.channel_tenant_id = d.channel_tenant_id and e.channel = d.channel
      and e.state = 'sent' and (e.event_at, e.delivery_id) > (d.event_at, d.delivery_id)
  )
