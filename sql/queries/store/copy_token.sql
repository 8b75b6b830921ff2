-- Another token with the name and rights of one; where that was to expire, it lives as long as that was meant to. $1 token_id, $2 SHA-256.
insert into runledger.tokens (kind, tenant_id, name, scopes, expires_at, token_hash)
select kind, tenant_id, name, scopes, now() + (expires_at - created_at), $2::bytea
from runledger.tokens
where token_id = $1::bigint
returning token_id, kind, nullif(tenant_id, 0) as tenant_id, name, scopes, created_at, expires_at, revoked_at, last_used_at;
