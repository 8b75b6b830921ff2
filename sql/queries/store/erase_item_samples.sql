-- The same for its QA samples. $1 tenant_id, $2 company_id, $3 the number that stands for it from now on.
update public.qa_samples
set company_id = $3::bigint, notes = null, facts = null
where tenant_id = $1::int and company_id = $2::bigint;
