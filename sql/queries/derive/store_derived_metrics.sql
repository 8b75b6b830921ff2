-- Writes the business numbers that derive counted, where they differ. What spans state under the same name stays beside them. The caller
-- holds the run row. $1 tenant_id int, $2 run_id bigint, $3 names text[], $4 values numeric[].
insert into public.run_metrics as m (tenant_id, run_id, name, derived_value)
select $1::int, $2::bigint, u.name, u.value
from unnest($3::text[], $4::numeric[]) as u (name, value)
order by u.name collate "C"
on conflict (run_id, tenant_id, name) do update set derived_value = excluded.derived_value
where m.derived_value is distinct from excluded.derived_value
