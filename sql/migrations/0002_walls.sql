-- Who may do what, in the database itself. Row-level security is enabled and forced on every table that holds a tenant's rows; each
-- role has its own policies and by-name grants; nothing is given to PUBLIC. A role that no policy names sees no row.
--
--   runledger_owner     all rows: migrations and jobs
--   runledger_ingest    all rows: the write path, which names the tenant of each row itself
--   runledger_operator  all rows: the admin token and the operators' dashboards
--   runledger_reader    the tenant in app.tenant_id, set by the API in each transaction; never a login for people
--   runledger_bi        the tenant that the owner noted for the login, whatever the session sets

-- The tenant of a BI login, or null; the policies below name it, and functions/login_tenant.sql has its current text.
create function runledger.login_tenant(login name) returns int
language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$ select tenant_id from runledger.bi_logins where login_name = login::text collate "C" $$;
revoke all on function runledger.login_tenant(name) from public;
grant execute on function runledger.login_tenant(name) to runledger_bi;

grant usage on schema runledger to runledger_ingest, runledger_reader, runledger_operator;

-- Policies -----------------------------------------------------------------------------------------------------------------------

do $walls$
declare
  wall record;
  own_tenant constant text := $q$tenant_id = nullif(current_setting('app.tenant_id', true), '')::int$q$;
begin
  for wall in
    select * from (values
      -- table, roles with all rows beside the owner, readers of their own tenant
      ('public.run_event_logs', 'runledger_ingest, runledger_operator', true, true),
      ('public.run_stage_stats', 'runledger_ingest, runledger_operator', true, true),
      ('public.run_vendor_usage', 'runledger_ingest, runledger_operator', true, true),
      ('public.run_metrics', 'runledger_ingest, runledger_operator', true, true),
      ('public.qa_samples', 'runledger_ingest, runledger_operator', true, true),
      ('runledger.tenants', 'runledger_ingest, runledger_operator', true, false),
      ('runledger.run_keys', 'runledger_ingest, runledger_operator', false, false),
      ('runledger.tokens', 'runledger_operator', false, false),
      ('runledger.bi_logins', null, false, false),
      ('runledger.prices', 'runledger_ingest, runledger_operator', true, false),
      ('runledger.trace_bindings', 'runledger_ingest, runledger_operator', false, false),
      ('runledger.parked_spans', 'runledger_ingest, runledger_operator', false, false),
      ('runledger.dirty_runs', 'runledger_ingest, runledger_operator', false, false),
      ('runledger.refusals', 'runledger_ingest, runledger_operator', true, false)
    ) as w (table_name, all_rows, reader, bi)
  loop
    execute format('revoke all on table %s from public', wall.table_name);
    execute format('alter table %s enable row level security', wall.table_name);
    execute format('alter table %s force row level security', wall.table_name);
    execute format('create policy owner_all on %s to runledger_owner using (true) with check (true)', wall.table_name);
    if wall.all_rows is not null then
      execute format('create policy all_rows on %s to %s using (true) with check (true)', wall.table_name, wall.all_rows);
    end if;
    if wall.reader then
      execute format('create policy reader_own on %s for select to runledger_reader using (%s)', wall.table_name, own_tenant);
    end if;
    if wall.bi then
      execute format('create policy bi_own on %s for select to runledger_bi using '
        '(tenant_id = (select runledger.login_tenant(current_user)))', wall.table_name);
    end if;
  end loop;

  -- A price without a tenant is everybody's.
  execute 'create policy reader_shared on runledger.prices for select to runledger_reader using (tenant_id = 0)';
  execute format('create policy reader_review on public.qa_samples for update to runledger_reader using (%s) with check (%s)',
    own_tenant, own_tenant);

  if (select relowner = 'runledger_owner'::regrole from pg_class where oid = 'public.enrichment_runs'::regclass) then
    revoke all on table public.enrichment_runs from public;
    alter table public.enrichment_runs force row level security;
    -- adopted: begin
    alter table public.enrichment_runs enable row level security;
    drop policy if exists owner_all on public.enrichment_runs;
    create policy owner_all on public.enrichment_runs to runledger_owner using (true) with check (true);
    drop policy if exists all_rows on public.enrichment_runs;
    create policy all_rows on public.enrichment_runs to runledger_ingest, runledger_operator using (true) with check (true);
    drop policy if exists reader_own on public.enrichment_runs;
    create policy reader_own on public.enrichment_runs for select to runledger_reader
      using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::int);
    drop policy if exists bi_own on public.enrichment_runs;
    create policy bi_own on public.enrichment_runs for select to runledger_bi
      using (tenant_id = (select runledger.login_tenant(current_user)));
    grant select, insert, update on public.enrichment_runs to runledger_ingest;
    grant select on public.enrichment_runs to runledger_reader, runledger_operator, runledger_bi;
    -- adopted: end
  end if;
end
$walls$;

-- Grants -------------------------------------------------------------------------------------------------------------------------

-- Ingest writes telemetry. An event is never changed, and only parked rows and dirty marks are ever taken away by it.
grant select, insert on public.run_event_logs to runledger_ingest;
grant select, insert, update on public.run_stage_stats, public.run_vendor_usage, public.run_metrics to runledger_ingest;
grant select on public.qa_samples to runledger_ingest;
grant select, insert on runledger.run_keys, runledger.tenants to runledger_ingest;
grant select, insert, update on runledger.trace_bindings, runledger.refusals to runledger_ingest;
grant select, insert, update, delete on runledger.parked_spans, runledger.dirty_runs to runledger_ingest;
grant select on runledger.vendors, runledger.prices, runledger.attribute_aliases, runledger.settings, runledger.retention
  to runledger_ingest;
grant usage on sequence runledger.run_id_seq, runledger.tenant_id_seq to runledger_ingest;

grant select on public.run_event_logs, public.run_stage_stats, public.run_vendor_usage, public.run_metrics, public.qa_samples
  to runledger_reader, runledger_operator, runledger_bi;
grant update (result, notes, checks, reviewer, reviewed_at) on public.qa_samples to runledger_reader, runledger_operator;

grant select on runledger.tenants, runledger.prices, runledger.refusals, runledger.vendors, runledger.retention to runledger_reader;

grant select on runledger.tenants, runledger.run_keys, runledger.prices, runledger.trace_bindings, runledger.parked_spans,
  runledger.dirty_runs, runledger.refusals, runledger.vendors, runledger.attribute_aliases, runledger.retention to runledger_operator;
grant insert, update (name, status) on runledger.tenants to runledger_operator;
grant usage on sequence runledger.tenant_id_seq to runledger_operator;
-- token_hash is written and never read back: runledger.find_token compares it.
grant select (token_id, kind, tenant_id, name, scopes, created_at, expires_at, revoked_at, last_used_at), insert,
  update (name, expires_at, revoked_at) on runledger.tokens to runledger_operator;
