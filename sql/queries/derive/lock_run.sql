-- Takes the run row, the mutex of everything that moves or recounts the run's counters. $1 tenant_id int, $2 run_id bigint, $3 floor
-- timestamptz: a run whose first event is older must not be recounted.
select r.status, coalesce(r.first_event_at < $3::timestamptz, false) as is_below_floor
from public.enrichment_runs r
where r.tenant_id = $1::int and r.run_id = $2::bigint
for update
