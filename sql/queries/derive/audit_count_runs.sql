-- How many runs an audit covers: those whose first event is not older than the floor. $1 tenant_id int or null, $2 run_id bigint or
-- null: only this one. $3 floor timestamptz.
select count(*) as runs_checked
from public.enrichment_runs r
where ($1::int is null or r.tenant_id = $1)
  and ($2::bigint is null or r.run_id = $2)
  and (r.first_event_at is null or r.first_event_at >= $3::timestamptz)
