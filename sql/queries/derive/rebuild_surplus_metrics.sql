-- Removes the run's rows of run_metrics that none of its events account for. A row that derive counted stays, for derive to write again,
-- unless the run has no events at all. $1 tenant_id int, $2 run_id bigint.
delete from public.run_metrics t
where t.tenant_id = $1::int
  and t.run_id = $2::bigint
  and not exists (
    select 1
    from runledger.recounted_metrics c
    where c.tenant_id = $1::int and c.run_id = $2::bigint and c.name = t.name
  )
  and (
    t.derived_value is null
    or not exists (select 1 from public.run_event_logs e where e.tenant_id = $1::int and e.run_id = $2::bigint)
  )
returning t.name as name
