-- How many rows each tenant has parked, counted no further than the limit, and their bytes as stored.
-- $1 tenant_ids int[], $2 limit
select u.tenant_id, c.parked_rows, c.parked_bytes
from unnest($1::int[]) as u (tenant_id)
cross join lateral (
  select count(*) as parked_rows, coalesce(sum(counted.bytes), 0)::bigint as parked_bytes
  from (select pg_column_size(p.row) as bytes from runledger.parked_spans as p where p.tenant_id = u.tenant_id limit $2) as counted
) as c
