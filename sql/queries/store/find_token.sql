select token_id, kind, tenant_id, name, scopes, expires_at from runledger.find_token($1);
