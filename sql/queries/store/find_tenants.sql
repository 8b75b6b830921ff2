select tenant_id, name from runledger.tenants where tenant_id = any ($1::int[]) or name = any ($2::text[] collate "C");
