select token_id, kind, tenant_id, name, scopes, expires_at, person from runledger.find_token($1);
