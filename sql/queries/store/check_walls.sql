-- Run as runledger_reader with no tenant set, in a transaction that is rolled back. One row: what is wrong, or null.
select case
  when r.rolsuper then 'the reader is a superuser'
  when r.rolbypassrls then 'the reader bypasses row-level security'
  when nullif(current_setting('app.tenant_id', true), '') is not null then 'a tenant is set outside a transaction'
  when exists (select from public.enrichment_runs)
    or exists (select from public.run_event_logs)
    or exists (select from public.run_stage_stats)
    or exists (select from public.run_vendor_usage)
    or exists (select from public.run_metrics)
    or exists (select from public.qa_samples)
    or exists (select from runledger.tenants)
    or exists (select from runledger.refusals)
    then 'the reader sees rows with no tenant set'
  end as problem
from pg_roles as r
where r.rolname = current_user;
