-- Those of the numbers and names in $1 under which a tenant is registered and active.
select tenant_id, name
from runledger.tenants
where tenant_id > 0 and status = 'active' and (tenant_id::text = any ($1::text[]) or name = any ($1::text[]));
