-- What people did, newest first. $1 tenant_id or null, $2 act, $3 object, $4..$6 key of the last act seen (at, act_id, tenant_id), $7 limit.
-- Null: not filtered.
select json_build_object(
  'act_id', c.act_id, 'tenant_id', c.tenant_id, 'at', c.at, 'actor', c.actor, 'act', c.act, 'object', c.object, 'reason', c.reason,
  'details', c.details
) as line
from runledger.acts c
where ($1::int is null or c.tenant_id = $1)
  and ($2::text is null or c.act = $2)
  and ($3::text is null or c.object = $3)
  and ($4::timestamptz is null or (c.at, c.act_id, c.tenant_id) < ($4, $5::bigint, $6::int))
order by c.at desc, c.act_id desc, c.tenant_id desc
limit $7::int;
