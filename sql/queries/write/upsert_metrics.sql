-- $1 jsonb array, one object a (tenant, run, name). Set: the largest (set_at, set_span_id, set_value) wins; added: a sum.
insert into public.run_metrics as m (run_id, tenant_id, name, set_value, set_at, set_span_id, added_value)
select u.run_id, u.tenant_id, u.name, u.set_value, u.set_at, u.set_span_id, u.added_value
from jsonb_to_recordset($1::jsonb) as u (
  run_id bigint, tenant_id int, name text, set_value numeric, set_at timestamptz, set_span_id text, added_value numeric)
order by u.tenant_id, u.run_id, u.name collate "C"
on conflict (run_id, tenant_id, name) do update set
  set_value = case when m.set_at is null or (excluded.set_at, excluded.set_span_id, excluded.set_value) > (m.set_at, m.set_span_id, m.set_value)
    then coalesce(excluded.set_value, m.set_value) else m.set_value end,
  set_at = case when m.set_at is null or (excluded.set_at, excluded.set_span_id, excluded.set_value) > (m.set_at, m.set_span_id, m.set_value)
    then coalesce(excluded.set_at, m.set_at) else m.set_at end,
  set_span_id = case when m.set_at is null or (excluded.set_at, excluded.set_span_id, excluded.set_value) > (m.set_at, m.set_span_id, m.set_value)
    then coalesce(excluded.set_span_id, m.set_span_id) else m.set_span_id end,
  added_value = case when m.added_value is null and excluded.added_value is null then null
    else coalesce(m.added_value, 0) + coalesce(excluded.added_value, 0) end
