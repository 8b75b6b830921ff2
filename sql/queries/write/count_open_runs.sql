-- How many runs of a tenant are open, or were let in and are not stored yet, counted no further than the limit. One statement, so that a run
-- that is being stored is seen on one side or the other. $1 tenant_id int, $2 limit int
select (
  select count(*)
  from (select from public.enrichment_runs as r where r.tenant_id = $1::int and r.status = 'running' limit $2::int) as running
) + (
  select count(*)
  from runledger.run_admissions as a
  where a.tenant_id = $1::int
    and not exists (select from public.enrichment_runs as r where r.tenant_id = $1::int and r.run_id = a.run_id)
) as open_runs
