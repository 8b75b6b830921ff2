-- Shows one silent run as abandoned. The register of the run's state is not touched: abandoned is not an event, and the next signal writes
-- the status from the register again. The conditions are repeated because something may have been received since the run was listed.
-- $1 now timestamptz, $2 silence in milliseconds, $3 tenant_id int, $4 run_id bigint.
update public.enrichment_runs r
set status = 'abandoned'
where r.tenant_id = $3::int
  and r.run_id = $4::bigint
  and r.status = 'running'
  and r.last_received_at < $1::timestamptz - $2::double precision * interval '1 millisecond'
returning r.run_id
