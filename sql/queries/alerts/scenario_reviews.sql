-- A person reviews the samples of a run. $1 tenant_id int, $2 run_key, $3 how many fail int, $4 when timestamptz.
update public.qa_samples q
set result = case when k.place <= $3::int then 'fail' else 'pass' end, reviewer = 'scenario', reviewed_at = $4::timestamptz
from (
  select s.tenant_id, s.run_id, s.company_id, row_number() over (order by s.company_id) as place
  from public.qa_samples s
  join public.enrichment_runs r on r.tenant_id = s.tenant_id and r.run_id = s.run_id
  where s.tenant_id = $1::int and r.run_key = $2::text
) k
where q.tenant_id = k.tenant_id and q.run_id = k.run_id and q.company_id = k.company_id
