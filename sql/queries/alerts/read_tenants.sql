-- $1 int[] tenant ids.
select tenant_id, name, status
from runledger.tenants
where tenant_id = any ($1::int[])
