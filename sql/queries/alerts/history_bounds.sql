-- The first and last sign of any run. $1 tenant_id or null.
select min(coalesce(started_at, first_event_at)) as from_at, max(coalesce(last_event_at, ended_at, started_at)) as to_at
from public.enrichment_runs
where $1::int is null or tenant_id = $1::int
