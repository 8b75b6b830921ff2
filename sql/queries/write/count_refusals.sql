-- $1 tenant_ids int[], $2 reasons text[], $3 counts bigint[], $4 day date
insert into runledger.refusals as r (tenant_id, day, reason, spans)
select u.tenant_id, $4::date, u.reason, u.spans
from unnest($1::int[], $2::text[], $3::bigint[]) as u (tenant_id, reason, spans)
order by u.tenant_id, u.reason collate "C"
on conflict (tenant_id, day, reason) do update set spans = r.spans + excluded.spans
