-- Removes what has waited too long and counts it, so that nothing goes without a trace.
-- $1 parked before timestamptz, $2 today date, $3 limit
with expired as (
  delete from runledger.parked_spans as p
  where (p.tenant_id, p.trace_id, p.ts, p.span_id, p.seq) in (
    select tenant_id, trace_id, ts, span_id, seq
    from runledger.parked_spans
    where parked_at < $1::timestamptz
    order by tenant_id, trace_id, ts, span_id, seq
    limit $3
  )
  returning p.tenant_id, p.reason
)
insert into runledger.refusals as r (tenant_id, day, reason, spans)
select tenant_id, $2::date, 'expired_' || reason, count(*)
from expired
group by tenant_id, reason
order by tenant_id, reason
on conflict (tenant_id, day, reason) do update set spans = r.spans + excluded.spans
returning spans
