-- Run as runledger_operator. The rows of one run by its key, once they are there.
select r.run_id, r.trace_id, r.status, r.complete, count(e.*)::int as rows
from public.enrichment_runs as r
left join public.run_event_logs as e on e.tenant_id = r.tenant_id and e.run_id = r.run_id
  and e.ts between r.first_event_at and r.last_event_at
where r.tenant_id = $1 and r.run_key = $2
group by r.tenant_id, r.run_id, r.trace_id, r.status, r.complete
