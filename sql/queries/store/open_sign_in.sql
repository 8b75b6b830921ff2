-- $1 kind, $2 tenant, $3 name, $4 scopes, $5 minutes that it holds, $6 SHA-256, $7 person. No row: the tenant is not there, or is disabled.
insert into runledger.tokens (kind, tenant_id, name, scopes, expires_at, token_hash, person)
select $1::text, $2::int, $3::text, $4::text[], now() + $5::int * interval '1 minute', $6::bytea, $7::text
where $1::text <> 'tenant' or exists (select from runledger.tenants where tenant_id = $2::int and status = 'active')
returning token_id;
