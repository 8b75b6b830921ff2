-- Which of these keys are stored; one key per request tells a resent request. The lateral form, because exists() is planned badly here.
-- $1 tenant_ids int[], $2 run_ids bigint[], $3 ts timestamptz[], $4 span_ids text[], $5 seqs int[]
select u.position::int - 1 as index
from unnest($1::int[], $2::bigint[], $3::timestamptz[], $4::text[], $5::int[])
  with ordinality as u (tenant_id, run_id, ts, span_id, seq, position)
cross join lateral (
  select from public.run_event_logs as e
  where e.tenant_id = u.tenant_id and e.run_id = u.run_id and e.ts = u.ts and e.span_id = u.span_id and e.seq = u.seq
  limit 1
) as found
