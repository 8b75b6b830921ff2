select tenant_id, name, status, created_at from runledger.tenants where tenant_id > 0 order by tenant_id;
