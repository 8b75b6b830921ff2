-- Run as runledger_reader with no tenant set. One row: what is wrong, or null. Asked again and again, so it costs a few index probes:
-- rows are looked for where the tenant leads the key; the other tables must be under the very policy that was just seen to hold.
with probed (table_id) as (
  values ('public.run_event_logs'::regclass)
), likewise (table_id) as (
  values ('public.run_stage_stats'::regclass), ('public.run_vendor_usage'::regclass), ('public.run_metrics'::regclass),
         ('public.qa_samples'::regclass)
), policies as (
  select p.polrelid, p.polname, pg_get_expr(p.polqual, p.polrelid) as expression
  from pg_policy as p
  where p.polpermissive and p.polcmd in ('r', '*')
    and exists (select from unnest(p.polroles) as r (id) where r.id = 0 or pg_has_role(current_user, r.id, 'USAGE'))
)
select case
  when r.rolsuper then 'the reader is a superuser'
  when r.rolbypassrls then 'the reader bypasses row-level security'
  when nullif(current_setting('app.tenant_id', true), '') is not null then 'a tenant is set outside a transaction'
  when exists (select from public.enrichment_runs)
    or exists (select from public.run_event_logs)
    or exists (select from runledger.tenants)
    or exists (select from runledger.refusals)
    then 'the reader sees rows with no tenant set'
  when exists (select from likewise where not row_security_active(table_id::oid))
    or exists (
      select from policies
      where polrelid in (select table_id from likewise)
        and expression is distinct from (
          select expression from policies where polname = 'reader_own' and polrelid = (select table_id from probed)))
    then 'a policy shows the reader rows with no tenant set'
end as problem
from pg_roles as r
where r.rolname = current_user;
