-- Takes back the counted numbers of a run that are counted no more: the row where no span states the number either, else the counted
-- part of it. The caller holds the run row. $1 tenant_id int, $2 run_id bigint, $3 names text[] that are still counted.
with removed as (
  delete from public.run_metrics m
  where m.tenant_id = $1::int
    and m.run_id = $2::bigint
    and m.derived_value is not null
    and m.name <> all ($3::text[])
    and num_nonnulls(m.set_value, m.set_at, m.set_span_id, m.added_value) = 0
)
update public.run_metrics m
set derived_value = null
where m.tenant_id = $1::int
  and m.run_id = $2::bigint
  and m.derived_value is not null
  and m.name <> all ($3::text[])
  and num_nonnulls(m.set_value, m.set_at, m.set_span_id, m.added_value) > 0
