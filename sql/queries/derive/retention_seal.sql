-- Seals runs, or adds another dropped day to runs that are sealed. $1 tenant_id int[], $2 run_id bigint[], $3 events bigint[],
-- $4 difference bigint[], $5 checksum text[], $6 day date, $7 now timestamptz.
insert into runledger.sealed_runs as s (tenant_id, run_id, sealed_at, dropped_until, events, difference, checksum)
select u.tenant_id, u.run_id, $7::timestamptz, $6::date + 1, u.events, u.difference, u.checksum
from unnest($1::int[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[]) as u (tenant_id, run_id, events, difference, checksum)
order by u.tenant_id, u.run_id
on conflict (tenant_id, run_id) do update set
  dropped_until = excluded.dropped_until,
  events = s.events + excluded.events,
  difference = s.difference + excluded.difference,
  checksum = excluded.checksum
