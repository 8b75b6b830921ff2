-- One QA sample, held until it is written. $1 tenant_id, $2 run_id, $3 company_id.
select q.result, q.checks, q.reviewer
from public.qa_samples q
where q.tenant_id = $1::int and q.run_id = $2::bigint and q.company_id = $3::bigint
for update;
