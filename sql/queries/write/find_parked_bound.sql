-- Traces that have both a binding and parked rows: one receiver parked while another bound.
-- $1 limit
select p.tenant_id, p.trace_id
from runledger.parked_spans as p
join runledger.trace_bindings as b on b.tenant_id = p.tenant_id and b.trace_id = p.trace_id
where p.run_id is null
group by p.tenant_id, p.trace_id
order by p.tenant_id, p.trace_id
limit $1
