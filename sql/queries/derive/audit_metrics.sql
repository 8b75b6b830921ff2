-- Every value of run_metrics that differs from what its run's events say; a row that is missing or one too many also
-- differs as '(row)'. What derive itself counted (derived_value) is no counter: a row that holds nothing else is left out.
-- $1 tenant_id int or null, $2 run_id bigint or null: only this one. $3 floor timestamptz: runs whose first event is older are left
-- out, because their events are gone. $4 limit int. total counts all differing values, whatever the limit.
select
  coalesce(c.tenant_id, s.tenant_id) as tenant_id,
  coalesce(c.run_id, s.run_id) as run_id,
  'run_metrics' as what,
  coalesce(c.name, s.name) as name,
  v.column_name as "column",
  v.counted,
  v.stored,
  count(*) over () as total
from (
  select w.*
  from runledger.recounted_metrics w
  where ($1::int is null or w.tenant_id = $1)
    and ($2::bigint is null or w.run_id = $2)
    and not exists (
      select 1
      from public.enrichment_runs r
      where r.tenant_id = w.tenant_id and r.run_id = w.run_id and r.first_event_at < $3::timestamptz
    )
) c
full join (
  select t.*
  from public.run_metrics t
  where ($1::int is null or t.tenant_id = $1)
    and ($2::bigint is null or t.run_id = $2)
    and (t.derived_value is null or num_nonnulls(t.set_value, t.set_at, t.set_span_id, t.added_value) > 0)
    and not exists (
      select 1
      from public.enrichment_runs r
      where r.tenant_id = t.tenant_id and r.run_id = t.run_id and r.first_event_at < $3::timestamptz
    )
) s on s.tenant_id = c.tenant_id and s.run_id = c.run_id and s.name = c.name
cross join lateral (
  values
    ('(row)', (c.tenant_id is not null)::text, (s.tenant_id is not null)::text),
    ('set_value', trim_scale(c.set_value)::text, trim_scale(s.set_value)::text),
    ('set_at', c.set_at::text, s.set_at::text),
    ('set_span_id', c.set_span_id::text, s.set_span_id::text),
    ('added_value', trim_scale(c.added_value)::text, trim_scale(s.added_value)::text)
) as v (column_name, counted, stored)
where v.counted is distinct from v.stored
order by tenant_id, run_id, name, v.column_name
limit $4::int
