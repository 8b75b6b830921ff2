-- The QA samples of a run for the CSV file. $1 tenant_id, $2 run_id.
select
  q.run_id::text,
  q.tenant_id::text,
  q.company_id::text,
  q.bucket::text,
  q.checks::text,
  q.result,
  q.notes,
  to_char(q.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at,
  q.reviewer,
  to_char(q.reviewed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as reviewed_at,
  coalesce(case when q.company_id >= 4503599627370496 then q.facts #>> '{extra,item_id}' end, q.company_id::text) as item
from public.qa_samples q
where q.tenant_id = $1::int and q.run_id = $2::bigint
order by q.bucket, q.company_id;
