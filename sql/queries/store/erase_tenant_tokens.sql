-- Its tokens end for good, and lose the names that people gave them. $1 tenant_id.
update runledger.tokens set revoked_at = coalesce(revoked_at, now()), name = 'erased' where tenant_id = $1::int;
