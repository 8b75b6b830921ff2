-- Writes drawn items as samples, each with its qa_sampled event; an item that is a sample already is left as it is and gets no event. The
-- event has the time and span id of the item's event, adds to no counter, and is the same wherever the item is drawn. The caller holds the
-- run row. $1 tenant_id int, $2 run_id bigint, $3 jsonb array of what compute_draw gave, $4 now timestamptz. Returns the events written.
with sampled as (
  insert into public.qa_samples (run_id, tenant_id, company_id, bucket, checks, created_at, facts)
  select $2::bigint, $1::int, u.company_id, u.bucket, u.checks, $4::timestamptz, u.facts
  from jsonb_to_recordset($3::jsonb) as u (company_id bigint, bucket text, checks jsonb, facts jsonb)
  order by u.company_id
  on conflict (run_id, tenant_id, company_id) do nothing
  returning company_id
)
insert into public.run_event_logs (
  run_id, tenant_id, stage, company_id, event, status, trace_id, extra, ts, span_id, seq, kind
)
select
  $2::bigint,
  $1::int,
  u.stage,
  u.company_id,
  'qa_sampled',
  'ok',
  u.trace_id,
  jsonb_build_object('bucket', u.bucket),
  u.ts,
  u.span_id,
  -2,
  'event'
from jsonb_to_recordset($3::jsonb) as u (
  company_id bigint, bucket text, ts timestamptz, span_id text, stage text, trace_id text)
join sampled s on s.company_id = u.company_id
order by u.ts, u.span_id collate "C"
on conflict (tenant_id, run_id, ts, span_id, seq) do nothing
