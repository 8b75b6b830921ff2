-- What a tenant may take and what it takes: one row, whether it has limits of its own or not. $1 tenant_id int
select
  q.spans_per_second,
  q.burst_spans,
  q.open_runs,
  q.stages_per_run,
  q.vendors_per_run,
  q.parked_bytes,
  (select count(*) from public.enrichment_runs r where r.tenant_id = $1::int and r.status = 'running') as running_runs,
  (
    select coalesce(
      json_agg(json_build_object('quota', h.quota, 'day', h.day, 'requests', h.requests, 'last_at', h.last_at) order by h.quota), '[]'
    )
    from runledger.quota_holds h
    where h.tenant_id = $1::int
  ) as held
from (select) as always
left join runledger.tenant_quotas q on q.tenant_id = $1::int
