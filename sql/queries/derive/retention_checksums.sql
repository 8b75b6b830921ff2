-- The closed books of runs. $1 tenant_id int[], $2 run_id bigint[], $3 the first instant whose events are kept, timestamptz.
select b.tenant_id, b.run_id, b.checksum
from runledger.closed_books($1::int[], $2::bigint[], $3::timestamptz) b
