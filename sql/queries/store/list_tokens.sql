select token_id, kind, nullif(tenant_id, 0) as tenant_id, name, scopes, created_at, expires_at, revoked_at, last_used_at
from runledger.tokens
order by token_id;
