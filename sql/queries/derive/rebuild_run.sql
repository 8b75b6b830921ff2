-- Writes the run's event times and completeness numbers as its events say, where they differ. $1 tenant_id int, $2 run_id bigint. Run it
-- in a statement after lock_run, so that it sees all that was committed before the lock.
update public.enrichment_runs r
set
  started_at = coalesce(r.started_at, c.first_event_at), -- a run that was just restored has none
  first_event_at = c.first_event_at,
  last_event_at = greatest(r.last_event_at, c.last_event_at),
  sent_statements = c.sent_statements,
  sent_stages = c.sent_stages,
  sent_items = c.sent_items,
  sent_vendor_calls = c.sent_vendor_calls,
  sent_dropped = c.sent_dropped,
  stored_stages = c.stored_stages,
  stored_items = c.stored_items,
  stored_vendor_calls = c.stored_vendor_calls
from (
  select
    k.tenant_id,
    k.run_id,
    w.first_event_at,
    w.last_event_at,
    coalesce(w.sent_statements, 0) as sent_statements,
    coalesce(w.sent_stages, 0) as sent_stages,
    coalesce(w.sent_items, 0) as sent_items,
    coalesce(w.sent_vendor_calls, 0) as sent_vendor_calls,
    coalesce(w.sent_dropped, 0) as sent_dropped,
    coalesce(w.stored_stages, 0) as stored_stages,
    coalesce(w.stored_items, 0) as stored_items,
    coalesce(w.stored_vendor_calls, 0) as stored_vendor_calls
  from public.enrichment_runs k
  left join runledger.recounted_runs w on w.tenant_id = k.tenant_id and w.run_id = k.run_id
  where k.tenant_id = $1::int and k.run_id = $2::bigint
) c
where r.tenant_id = $1::int
  and r.run_id = $2::bigint
  and c.tenant_id = r.tenant_id
  and c.run_id = r.run_id
  and (
    r.first_event_at, r.sent_statements, r.sent_stages, r.sent_items, r.sent_vendor_calls, r.sent_dropped, r.stored_stages,
    r.stored_items, r.stored_vendor_calls, r.last_event_at, r.started_at
  ) is distinct from (
    c.first_event_at, c.sent_statements, c.sent_stages, c.sent_items, c.sent_vendor_calls, c.sent_dropped, c.stored_stages,
    c.stored_items, c.stored_vendor_calls, greatest(r.last_event_at, c.last_event_at),
    coalesce(r.started_at, c.first_event_at)
  )
returning '' as name
