-- Removes the run's rows of run_stage_stats that none of its events account for. $1 tenant_id int, $2 run_id bigint.
delete from public.run_stage_stats t
where t.tenant_id = $1::int
  and t.run_id = $2::bigint
  and not exists (
    select 1
    from runledger.recounted_stage_stats c
    where c.tenant_id = $1::int and c.run_id = $2::bigint and c.stage = t.stage
  )
returning t.stage as name
