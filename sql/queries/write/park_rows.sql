-- Keeps rows aside under the key they will have. A resend of a parked row changes nothing.
-- $1 jsonb array of {tenant_id, trace_id, ts, span_id, seq, reason, run_id, row}, $2 now timestamptz
insert into runledger.parked_spans (tenant_id, trace_id, ts, span_id, seq, reason, run_id, row, parked_at)
select p.tenant_id, p.trace_id, p.ts, p.span_id, p.seq, p.reason, p.run_id, p.row, $2::timestamptz
from jsonb_to_recordset($1::jsonb)
  as p (tenant_id int, trace_id text, ts timestamptz, span_id text, seq int, reason text, run_id bigint, row jsonb)
order by p.tenant_id, p.trace_id collate "C", p.ts, p.span_id collate "C", p.seq
on conflict (tenant_id, trace_id, ts, span_id, seq) do nothing
