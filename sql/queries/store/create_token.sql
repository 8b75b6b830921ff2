-- $1 kind, $2 tenant, $3 name, $4 scopes, $5 expiry, $6 SHA-256. No row: the tenant is not registered.
insert into runledger.tokens (kind, tenant_id, name, scopes, expires_at, token_hash)
select $1::text, $2::int, $3::text, $4::text[], $5::timestamptz, $6::bytea
where $1::text <> 'tenant' or exists (select from runledger.tenants where tenant_id = $2::int)
returning token_id;
