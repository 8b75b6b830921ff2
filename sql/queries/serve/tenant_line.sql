-- A registered tenant. $1 tenant_id.
select json_build_object('tenant_id', t.tenant_id, 'name', t.name, 'status', t.status, 'created_at', t.created_at) as line
from runledger.tenants t
where t.tenant_id = $1::int;
