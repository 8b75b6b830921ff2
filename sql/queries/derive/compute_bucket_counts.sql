-- How many items of a run are in each of the three buckets that have a business number. An item is in the bucket of its latest event that
-- has one, compared without regard to case. No rows when no item has a bucket.
-- $1 tenant_id int, $2 run_id bigint, $3 and $4 bounds of ts.
select n.name, count(*) filter (where n.bucket = l.bucket) as items
from (
  select distinct on (e.company_id) lower(e.bucket collate "C") as bucket
  from public.run_event_logs e
  where e.tenant_id = $1::int
    and e.run_id = $2::bigint
    and e.ts between $3::timestamptz and $4::timestamptz
    and e.company_id is not null
    and e.bucket is not null
  order by e.company_id, e.ts desc, e.span_id desc, e.seq desc
) l
cross join (values ('bucket_high', 'high'), ('bucket_low', 'low'), ('bucket_medium', 'medium')) as n (name, bucket)
group by n.name
order by n.name
