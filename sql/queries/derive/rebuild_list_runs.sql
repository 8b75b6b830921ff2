-- The next runs to rebuild after a key, in key order: every run row, and runs that only events or counters know.
-- $1 tenant_id int or null, $2 run_id bigint or null: only this one. $3 after tenant_id int, $4 after run_id bigint, $5 limit int.
select k.tenant_id, k.run_id
from (
  select r.tenant_id, r.run_id from public.enrichment_runs r
  union
  select s.tenant_id, s.run_id from public.run_stage_stats s
  union
  select u.tenant_id, u.run_id from public.run_vendor_usage u
  union
  select m.tenant_id, m.run_id from public.run_metrics m
  union
  select c.tenant_id, c.run_id from runledger.recounted_runs c
) k
where ($1::int is null or k.tenant_id = $1)
  and ($2::bigint is null or k.run_id = $2)
  and (k.tenant_id, k.run_id) > ($3::int, $4::bigint)
order by k.tenant_id, k.run_id
limit $5::int
