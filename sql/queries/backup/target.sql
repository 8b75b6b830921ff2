-- Run as the login: whether a backup may be read in here.
select (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) as may_copy,
  (exists (select from public.enrichment_runs) or exists (select from public.run_event_logs)
    or exists (select from runledger.tenants where tenant_id <> 0)) as has_data,
  (select count(*)::int from pg_stat_activity
   where datname = current_database() and application_name like 'runledger\_%' and pid <> pg_backend_pid()) as sessions
