-- Running runs from which nothing was received for the silence that $2 milliseconds say, before $1 now. $3 limit int.
select r.tenant_id, r.run_id
from public.enrichment_runs r
where r.status = 'running'
  and r.last_received_at < $1::timestamptz - $2::double precision * interval '1 millisecond'
order by r.tenant_id, r.run_id
limit $3::int
