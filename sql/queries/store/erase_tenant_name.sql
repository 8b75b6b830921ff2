-- $1 tenant_id. No row: the tenant is still active, or there is none.
update runledger.tenants set name = null where tenant_id = $1::int and tenant_id > 0 and status = 'disabled' returning tenant_id;
