update runledger.tenants set status = $2 where tenant_id = $1 and tenant_id > 0 returning tenant_id;
