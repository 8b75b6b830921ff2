-- Its tokens end for good, and lose the names that people gave them or have. $1 tenant_id.
update runledger.tokens
set
  revoked_at = coalesce(revoked_at, now()),
  name = 'erased',
  person = case when person is not null then 'erased' end
where tenant_id = $1::int;
