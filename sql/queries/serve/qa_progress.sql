-- How far the checking of QA samples is. $1 tenant_id or null, $2 run_id, $3 bucket in small letters, $4 reviewer, $5 pipeline. Null: not filtered.
select json_build_object(
  'total', count(*),
  'reviewed', count(*) filter (where q.result <> 'needs_review'),
  'passed', count(*) filter (where q.result = 'pass'),
  'failed', count(*) filter (where q.result = 'fail')
) as line
from public.qa_samples q
left join public.enrichment_runs r on r.tenant_id = q.tenant_id and r.run_id = q.run_id
where ($1::int is null or q.tenant_id = $1)
  and ($2::bigint is null or q.run_id = $2)
  and ($3::text is null or lower(q.bucket) = $3)
  and ($4::text is null or q.reviewer = $4)
  and ($5::text is null or r.pipeline = $5);
