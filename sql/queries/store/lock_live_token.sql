-- A token that holds, held until its end is written; a person's sign-in is none that could be renewed for somebody. $1 token_id.
select kind
from runledger.tokens
where token_id = $1::bigint and person is null and revoked_at is null and (expires_at is null or expires_at > now())
for update;
