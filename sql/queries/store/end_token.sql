-- Ends a token now, or in $2 minutes; an earlier expiry stays. $1 token_id.
update runledger.tokens
set
  revoked_at = case when $2::int = 0 then now() end,
  expires_at = case when $2 > 0 then least(expires_at, now() + $2 * interval '1 minute') else expires_at end
where token_id = $1::bigint;
