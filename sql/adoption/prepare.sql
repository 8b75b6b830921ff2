-- Runs as the owner of an enrichment_runs that was there before Runledger. The table keeps its key, rows, owner and grants; it gains
-- the columns of the plan that it lacks, the key that Runledger works by, and rights for our owner.
alter table public.enrichment_runs
  add column if not exists started_at timestamptz,
  add column if not exists ended_at timestamptz,
  add column if not exists status text not null default 'running',
  add column if not exists langsmith_trace_url text;

create unique index if not exists enrichment_runs_tenant_run_id on public.enrichment_runs (tenant_id, run_id);

grant select, insert, update, delete on public.enrichment_runs to runledger_owner;

-- Our walls enable row-level security, which hides all rows from roles that no policy names. The owner is not touched, because the
-- policies are not forced on it; this policy keeps the application's other roles as they were, today's and later ones, while readers
-- and BI logins stay behind their walls. A table that had policies of its own keeps those alone.
do $application$
begin
  if not (select relrowsecurity from pg_class where oid = 'public.enrichment_runs'::regclass)
    and not exists (
      select from pg_policy where polrelid = 'public.enrichment_runs'::regclass and polname = 'application_as_before') then
    create policy application_as_before on public.enrichment_runs
      using (not pg_has_role(current_user, 'runledger_reader', 'USAGE') and not pg_has_role(current_user, 'runledger_bi', 'USAGE'))
      with check (not pg_has_role(current_user, 'runledger_reader', 'USAGE') and not pg_has_role(current_user, 'runledger_bi', 'USAGE'));
  end if;
end
$application$;
