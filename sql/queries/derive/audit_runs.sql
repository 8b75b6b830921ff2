-- Every value of enrichment_runs that differs from what the run's events say, among event times and completeness numbers. Events without a
-- run row differ as '(row)'; a run without events counts as zeros. last_event_at may be later than the last event (heartbeats), never
-- earlier.
-- $1 tenant_id int or null, $2 run_id bigint or null: only this one. $3 floor timestamptz: runs whose first event is older are left
-- out, because their events are gone. $4 limit int. total counts all differing values, whatever the limit.
select
  coalesce(c.tenant_id, s.tenant_id) as tenant_id,
  coalesce(c.run_id, s.run_id) as run_id,
  'enrichment_runs' as what,
  '' as name,
  v.column_name as "column",
  v.counted,
  v.stored,
  count(*) over () as total
from (
  select w.*
  from runledger.recounted_runs w
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
  from public.enrichment_runs t
  where ($1::int is null or t.tenant_id = $1)
    and ($2::bigint is null or t.run_id = $2)
    and (t.first_event_at is null or t.first_event_at >= $3::timestamptz)
) s on s.tenant_id = c.tenant_id and s.run_id = c.run_id
cross join lateral (
  values
    ('(row)', 'true', (s.tenant_id is not null)::text),
    ('first_event_at', c.first_event_at::text, s.first_event_at::text),
    ('last_event_at', greatest(c.last_event_at, s.last_event_at)::text, s.last_event_at::text),
    ('sent_statements', coalesce(c.sent_statements, 0)::text, s.sent_statements::text),
    ('sent_stages', coalesce(c.sent_stages, 0)::text, s.sent_stages::text),
    ('sent_items', coalesce(c.sent_items, 0)::text, s.sent_items::text),
    ('sent_vendor_calls', coalesce(c.sent_vendor_calls, 0)::text, s.sent_vendor_calls::text),
    ('sent_dropped', coalesce(c.sent_dropped, 0)::text, s.sent_dropped::text),
    ('stored_stages', coalesce(c.stored_stages, 0)::text, s.stored_stages::text),
    ('stored_items', coalesce(c.stored_items, 0)::text, s.stored_items::text),
    ('stored_vendor_calls', coalesce(c.stored_vendor_calls, 0)::text, s.stored_vendor_calls::text)
) as v (column_name, counted, stored)
where v.counted is distinct from v.stored
order by tenant_id, run_id, v.column_name
limit $4::int
