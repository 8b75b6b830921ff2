-- Takes what spans are said to have stated out of the run's counted rows of run_metrics where none of its events account for it.
-- $1 tenant_id int, $2 run_id bigint.
update public.run_metrics t
set set_value = null, set_at = null, set_span_id = null, added_value = null
where t.tenant_id = $1::int
  and t.run_id = $2::bigint
  and t.derived_value is not null
  and num_nonnulls(t.set_value, t.set_at, t.set_span_id, t.added_value) > 0
  and not exists (
    select 1
    from runledger.recounted_metrics c
    where c.tenant_id = $1::int and c.run_id = $2::bigint and c.name = t.name
  )
returning t.name as name
