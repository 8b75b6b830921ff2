-- What derive needs to know of a run: the bounds of its events (text keeps the microseconds), whether they are older than the floor, and
-- about how many there are. $1 tenant_id int, $2 run_id bigint, $3 floor timestamptz, $4 now timestamptz.
select
  r.status,
  coalesce(r.first_event_at, 'infinity')::text as from_at,
  coalesce(r.last_event_at, '-infinity')::text as to_at,
  coalesce(r.first_event_at < $3::timestamptz, false) as is_below_floor,
  r.stored_stages + r.stored_items + r.stored_vendor_calls as event_count,
  coalesce((extract(epoch from $4::timestamptz - r.derived_at) * 1000)::double precision, 'infinity') as derived_ms_ago
from public.enrichment_runs r
where r.tenant_id = $1::int and r.run_id = $2::bigint
