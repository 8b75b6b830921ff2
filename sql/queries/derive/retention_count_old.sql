-- Rows of the side tables that retention would remove. $1 first QA day kept timestamptz, $2 first instant whose bindings are kept
-- timestamptz, $3 first day whose refusals are kept date.
select
  (select count(*) from public.qa_samples q where q.created_at < $1::timestamptz) as qa_samples,
  (
    select count(*)
    from runledger.trace_bindings b
    where b.bound_at < $2::timestamptz
      and not exists (
        select 1
        from public.enrichment_runs r
        where r.tenant_id = b.run_tenant_id and r.run_id = b.run_id and r.last_event_at >= $2::timestamptz
      )
  ) as trace_bindings,
  (select count(*) from runledger.refusals f where f.day < $3::date) as refusals
