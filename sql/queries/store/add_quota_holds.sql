-- Counts requests that a quota sent back until later, on the day of the last one.
-- $1 tenant_ids int[], $2 quotas text[], $3 requests bigint[], $4 now timestamptz, $5 day date
insert into runledger.quota_holds as h (tenant_id, quota, day, requests, last_at)
select u.tenant_id, u.quota, $5::date, u.requests, $4::timestamptz
from unnest($1::int[], $2::text[], $3::bigint[]) as u (tenant_id, quota, requests)
order by u.tenant_id, u.quota collate "C"
on conflict (tenant_id, quota) do update set
  requests = case when h.day >= excluded.day then h.requests else 0 end + excluded.requests,
  day = greatest(h.day, excluded.day),
  last_at = greatest(h.last_at, excluded.last_at)
