-- Whether this role passes row level security, so that COPY may go straight into the table; and whether enrichment_runs is another application's.
select
  (select rolbypassrls or rolsuper from pg_roles where rolname = current_user) as bypasses_policies,
  coalesce((select value = 'true'::jsonb from runledger.settings where name = 'adopted'), false) as adopted
