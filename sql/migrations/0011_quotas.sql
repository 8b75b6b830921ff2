-- Quotas: what one tenant may take of what all tenants share. A tenant without a row, and a limit that is null, have the default.

set local citus.multi_shard_modify_mode = 'sequential'; -- a plain placeholder on PostgreSQL without Citus

create table runledger.tenant_quotas (
  tenant_id int not null,
  spans_per_second int,
  burst_spans int,
  stages_per_run int,
  vendors_per_run int,
  open_runs int,
  parked_bytes bigint,
  constraint tenant_quotas_pkey primary key (tenant_id),
  constraint tenant_quotas_spans_per_second_range check (spans_per_second between 1 and 1000000),
  constraint tenant_quotas_burst_spans_range check (burst_spans between 1 and 100000000),
  -- Only below the default: pages, answers and statements are sized for runs of the default.
  constraint tenant_quotas_stages_per_run_range check (stages_per_run between 1 and 200),
  constraint tenant_quotas_vendors_per_run_range check (vendors_per_run between 1 and 100),
  constraint tenant_quotas_open_runs_range check (open_runs between 1 and 100000),
  constraint tenant_quotas_parked_bytes_range check (parked_bytes between 1048576 and 1073741824)
);
comment on table runledger.tenant_quotas is 'What a tenant may take, where that is not the default; receivers read changes within 5 s';
comment on column runledger.tenant_quotas.spans_per_second is 'Spans and log records, of each receiver; null: no limit';
comment on column runledger.tenant_quotas.burst_spans is 'How many may come at once after a pause; null: ten seconds'' worth';
comment on column runledger.tenant_quotas.stages_per_run is 'Further names count under _other; null: 200';
comment on column runledger.tenant_quotas.vendors_per_run is 'Further names count under _other; null: 100';
comment on column runledger.tenant_quotas.open_runs is 'Runs with status running before a new one has to wait; null: no limit';
comment on column runledger.tenant_quotas.parked_bytes is 'Of rows that wait for their run, beside the limit of 20,000 rows; null: 64 MiB';

-- Where a limit of open runs holds, a new run is let in here before it is written, so that two receivers cannot both give it the last place.
create table runledger.run_admissions (
  tenant_id int not null,
  run_id bigint not null,
  admitted_at timestamptz not null,
  constraint run_admissions_pkey primary key (tenant_id, run_id)
);
comment on table runledger.run_admissions is 'New runs of tenants with a limit of open runs, until enrichment_runs has them; forgotten after 5 minutes';

create table runledger.quota_holds (
  tenant_id int not null,
  quota text collate "C" not null,
  day date not null,
  requests bigint not null,
  last_at timestamptz not null,
  constraint quota_holds_pkey primary key (tenant_id, quota),
  constraint quota_holds_quota_known check (quota in ('spans_per_second', 'open_runs', 'parked_bytes'))
);
comment on table runledger.quota_holds is 'How often a quota told a tenant''s sender to come back later';
comment on column runledger.quota_holds.requests is 'On the UTC day of the last one; a request that came ten times counts ten times';

do $walls$
declare
  wall record;
begin
  for wall in
    select * from (values
      ('runledger.tenant_quotas', 'runledger_ingest, runledger_operator', true),
      ('runledger.run_admissions', 'runledger_ingest', false),
      ('runledger.quota_holds', 'runledger_ingest, runledger_operator', true)
    ) as w (table_name, all_rows, reader)
  loop
    execute format('revoke all on table %s from public', wall.table_name);
    execute format('alter table %s enable row level security', wall.table_name);
    execute format('alter table %s force row level security', wall.table_name);
    execute format('create policy owner_all on %s to runledger_owner using (true) with check (true)', wall.table_name);
    execute format('create policy all_rows on %s to %s using (true) with check (true)', wall.table_name, wall.all_rows);
    if wall.reader then
      execute format('create policy reader_own on %s for select to runledger_reader using '
        '(tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::int)', wall.table_name);
    end if;
  end loop;
end
$walls$;

grant select on runledger.tenant_quotas to runledger_ingest, runledger_reader, runledger_operator;
grant insert, update on runledger.tenant_quotas to runledger_operator;
grant select, insert, delete on runledger.run_admissions to runledger_ingest;
grant select, insert, update on runledger.quota_holds to runledger_ingest;
grant select on runledger.quota_holds to runledger_reader, runledger_operator;

do $runs$
begin
  if (select relowner = 'runledger_owner'::regrole from pg_class where oid = 'public.enrichment_runs'::regclass) then
    -- adopted: begin
    -- A tenant's open runs are counted before a new one is let in. Few rows are in it, and only the update that ends a run touches it.
    create index if not exists enrichment_runs_running on public.enrichment_runs (tenant_id) where status = 'running';
    -- adopted: end
  end if;
end
$runs$;
