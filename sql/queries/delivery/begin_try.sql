-- Notes that messages are about to be sent: $1 tenant ids, $2 delivery ids, $3 now, $4 when another may try if this one is never heard of
-- again, $5 whether they go as a digest. Only rows that it returns may be sent: of two senders one gets each.
update runledger.alert_deliveries as d
set attempts = d.attempts + 1, next_attempt_at = $4, in_digest = $5
from unnest($1::int[], $2::bigint[]) as t (tenant_id, delivery_id)
where d.tenant_id = t.tenant_id and d.delivery_id = t.delivery_id and d.state = 'pending' and d.next_attempt_at <= $3
returning d.tenant_id, d.delivery_id, d.attempts
