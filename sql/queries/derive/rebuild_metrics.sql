-- Writes the run's rows of run_metrics as its events say, where they differ or are missing.
-- $1 tenant_id int, $2 run_id bigint. Run it in a statement after lock_run, so that it sees all that was committed before the lock.
insert into public.run_metrics as t (
  tenant_id, run_id, name, set_value, set_at, set_span_id, added_value
)
select
  c.tenant_id, c.run_id, c.name, c.set_value, c.set_at, c.set_span_id, c.added_value
from runledger.recounted_metrics c
where c.tenant_id = $1::int and c.run_id = $2::bigint
order by c.name
on conflict (run_id, tenant_id, name) do update set
  set_value = excluded.set_value,
  set_at = excluded.set_at,
  set_span_id = excluded.set_span_id,
  added_value = excluded.added_value
where (
  t.set_value, t.set_at, t.set_span_id, t.added_value
) is distinct from (
  excluded.set_value, excluded.set_at, excluded.set_span_id, excluded.added_value
)
returning t.name as name
