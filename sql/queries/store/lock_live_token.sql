-- A token that holds, held until its end is written. $1 token_id.
select kind
from runledger.tokens
where token_id = $1::bigint and revoked_at is null and (expires_at is null or expires_at > now())
for update;
