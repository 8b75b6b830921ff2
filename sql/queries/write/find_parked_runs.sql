-- Runs that exist by now and have rows waiting for them.
-- $1 limit
select p.tenant_id, p.run_id
from runledger.parked_spans as p
join public.enrichment_runs as r on r.tenant_id = p.tenant_id and r.run_id = p.run_id
where p.run_id is not null
group by p.tenant_id, p.run_id
order by p.tenant_id, p.run_id
limit $1
