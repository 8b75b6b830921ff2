-- A registered tenant by its number or its name, as text in $1. Tenant 0 holds parked rows and is nobody's.
select json_build_object('tenant_id', t.tenant_id) as line
from runledger.tenants t
where t.tenant_id > 0
  and (t.tenant_id::text = $1::text or t.name = $1);
