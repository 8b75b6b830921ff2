-- Removes some QA samples drawn before $1 timestamptz, at most $2 int.
delete from public.qa_samples q
where (q.tenant_id, q.run_id, q.company_id) in (
  select o.tenant_id, o.run_id, o.company_id from public.qa_samples o where o.created_at < $1::timestamptz limit $2::int
)
