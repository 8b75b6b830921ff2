-- No row: there is no such token. Revoking twice keeps the first time.
update runledger.tokens
set revoked_at = coalesce(revoked_at, now())
where token_id = $1
returning token_id;
