-- Records what came of a try: $1 tenant ids, $2 delivery ids, $3 states, $4 errors or nulls, $5 next tries, $6 now.
update runledger.alert_deliveries as d
set state = t.state, last_error = t.last_error, next_attempt_at = t.next_attempt_at,
  finished_at = case when t.state = 'pending' then null else $6::timestamptz end
from unnest($1::int[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[])
  as t (tenant_id, delivery_id, state, last_error, next_attempt_at)
where d.tenant_id = t.tenant_id and d.delivery_id = t.delivery_id and d.state = 'pending'
