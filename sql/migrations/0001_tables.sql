-- The ledger's tables. Column names and meanings in public are a promise to SQL users; schema runledger is ours.
-- Rules that hold throughout: every key contains tenant_id not null; no triggers; no foreign keys on the write path (a key's row may
-- commit in another order); names that are sorted by both JavaScript and SQL are collate "C"; money is numeric without scale.
-- Citus: each table is created complete and is distributed by tenant_id afterwards; nothing here needs another node.

set local citus.multi_shard_modify_mode = 'sequential'; -- a plain placeholder on PostgreSQL without Citus

-- Runs -------------------------------------------------------------------------------------------------------------------------

do $create$
begin
  if to_regclass('public.enrichment_runs') is null then
    create table public.enrichment_runs (
      run_id bigint not null,
      tenant_id int not null,
      started_at timestamptz,
      ended_at timestamptz,
      status text not null default 'running',
      langsmith_trace_url text,
      constraint enrichment_runs_pkey primary key (tenant_id, run_id)
    ) with (fillfactor = 70);
    -- What stands between these two marks is also run by `migrate --adopt`, as the table's owner, on an enrichment_runs that was there
    -- before; so it may run again without harm. Later migrations that touch this table follow the same form.
    -- adopted: begin
    alter table public.enrichment_runs
      add column if not exists run_key text collate "C",
      add column if not exists pipeline text,
      add column if not exists environment text,
      add column if not exists pipeline_version text,
      add column if not exists trace_id text collate "C",
      add column if not exists degraded boolean not null default false,
      add column if not exists first_event_at timestamptz,
      add column if not exists last_event_at timestamptz,
      add column if not exists last_received_at timestamptz,
      -- Register of the run's state: the largest (state_at, state_rank, state_span_id) wins.
      add column if not exists state text not null default 'running',
      add column if not exists state_at timestamptz not null default '-infinity',
      add column if not exists state_rank smallint not null default -1,
      add column if not exists state_span_id text collate "C" not null default '',
      add column if not exists state_degraded boolean not null default false,
      -- Register of the run's identity: the least (identity_at, identity_span_id, identity_rank) wins; rank 0 is the span, 1 its marker.
      add column if not exists identity_at timestamptz not null default 'infinity',
      add column if not exists identity_span_id text collate "C" not null default '~',
      add column if not exists identity_rank smallint not null default 2,
      add column if not exists run_started_at timestamptz,
      add column if not exists resource jsonb,
      -- Completeness: what the sender says it ended, and what is stored.
      add column if not exists sent_statements bigint not null default 0,
      add column if not exists sent_stages bigint not null default 0,
      add column if not exists sent_items bigint not null default 0,
      add column if not exists sent_vendor_calls bigint not null default 0,
      add column if not exists sent_dropped bigint not null default 0,
      add column if not exists stored_stages bigint not null default 0,
      add column if not exists stored_items bigint not null default 0,
      add column if not exists stored_vendor_calls bigint not null default 0,
      add column if not exists complete boolean generated always as (
        case when sent_statements > 0 then
          sent_dropped = 0 and stored_stages >= sent_stages and stored_items >= sent_items and stored_vendor_calls >= sent_vendor_calls
        end) stored,
      add column if not exists derived_at timestamptz;

    create unique index if not exists enrichment_runs_tenant_run_key on public.enrichment_runs (tenant_id, run_key);

    comment on column public.enrichment_runs.degraded is 'The run said so, or it succeeded with a stage in error';
    comment on column public.enrichment_runs.complete is 'Whether every stage, item and vendor call the sender says it ended is stored; null: the sender did not say';
    -- adopted: end

    comment on table public.enrichment_runs is 'One row a run of a pipeline for a tenant; order runs by started_at, never by run_id';
    comment on column public.enrichment_runs.run_id is 'Below 2^52: the decimal id the pipeline named; from 2^52: given for the text in run_key';
    comment on column public.enrichment_runs.status is 'running, succeeded, failed, cancelled or abandoned';
  end if;
end
$create$;

-- Events -----------------------------------------------------------------------------------------------------------------------

-- The first eleven columns are the export's, in its order. No vendor or stage index: a run's rows are found by the key's prefix.
create table public.run_event_logs (
  run_id bigint not null,
  tenant_id int not null,
  stage varchar(64) collate "C" not null,
  company_id bigint,
  event varchar(64) not null,
  status varchar(32) not null,
  error_code varchar(64),
  duration_ms int,
  trace_id text collate "C" not null,
  extra jsonb,
  ts timestamptz not null,
  span_id text collate "C" not null,
  seq int not null,
  kind varchar(16) not null,
  vendor varchar(64) collate "C",
  calls bigint not null default 0,
  errors bigint not null default 0,
  units_total bigint not null default 0,
  units_success bigint not null default 0,
  units_error bigint not null default 0,
  rate_limit_hits bigint not null default 0,
  quota_exhausted boolean not null default false,
  cost_usd numeric,
  tokens_input bigint not null default 0,
  tokens_output bigint not null default 0,
  price_id text,
  bucket varchar(16),
  metrics jsonb,
  constraint run_event_logs_pkey primary key (tenant_id, run_id, ts, span_id, seq),
  constraint run_event_logs_status_known check (status in ('ok', 'error', 'skip', 'retry')),
  constraint run_event_logs_kind_known check (kind in ('run', 'stage', 'item', 'vendor_call', 'event', 'log')),
  constraint run_event_logs_errors_within_calls check (errors between 0 and calls)
) partition by range (ts);

comment on table public.run_event_logs is 'One row an event, partitioned by UTC day of ts; every counter is a plain sum over these rows';
comment on column public.run_event_logs.ts is 'Microseconds, rounded down: the start of a start row, the end of a finish row';
comment on column public.run_event_logs.seq is '0 start, 1 the span''s row, 2 + i its i-th event, -1 a log record, -2 a QA draw';
comment on column public.run_event_logs.company_id is 'The item; from 2^52 a hash of the text in extra.item_id';
comment on column public.run_event_logs.cost_usd is 'Null on a vendor_call: not known, counted as unpriced';

-- Counters ---------------------------------------------------------------------------------------------------------------------

create table public.run_stage_stats (
  run_id bigint not null,
  tenant_id int not null,
  stage varchar(64) collate "C" not null,
  count_total bigint not null default 0,
  count_success bigint not null default 0,
  count_error bigint not null default 0,
  p50_ms bigint not null default 0,
  p95_ms bigint not null default 0,
  p99_ms bigint not null default 0,
  cost_usd numeric not null default 0,
  tokens_input bigint not null default 0,
  tokens_output bigint not null default 0,
  status text,
  started_at timestamptz,
  ended_at timestamptz,
  duration_ms bigint not null default 0,
  retry_count bigint not null default 0,
  fallback_count bigint not null default 0,
  duration_samples bigint not null default 0,
  duration_class text,
  -- Register of the stage's state: the largest (state_at, state_is_end, state_span_id) wins.
  state_at timestamptz not null default '-infinity',
  state_is_end smallint not null default -1,
  state_span_id text collate "C" not null default '',
  constraint run_stage_stats_pkey primary key (run_id, tenant_id, stage)
) with (fillfactor = 70);

comment on table public.run_stage_stats is 'Exact counters and percentiles per stage of a run';
comment on column public.run_stage_stats.p50_ms is 'Exact over duration_samples durations of duration_class; 0 when there are none';
comment on column public.run_stage_stats.duration_ms is 'Sum over the stage''s spans';

create table public.run_vendor_usage (
  run_id bigint not null,
  tenant_id int not null,
  vendor varchar(64) collate "C" not null,
  calls bigint not null default 0,
  errors bigint not null default 0,
  cost_usd numeric not null default 0,
  rate_limit_hits bigint not null default 0,
  quota_exhausted boolean not null default false,
  tokens_input bigint not null default 0,
  tokens_output bigint not null default 0,
  unpriced_calls bigint not null default 0,
  unpriced_tokens bigint not null default 0,
  p50_ms bigint not null default 0,
  p95_ms bigint not null default 0,
  p99_ms bigint not null default 0,
  duration_samples bigint not null default 0,
  constraint run_vendor_usage_pkey primary key (run_id, tenant_id, vendor)
) with (fillfactor = 70);

comment on table public.run_vendor_usage is 'What a run used of each vendor; cost_usd is "at least" while unpriced_calls > 0';

create table public.run_metrics (
  run_id bigint not null,
  tenant_id int not null,
  name varchar(64) collate "C" not null,
  value numeric generated always as (coalesce(set_value, 0) + coalesce(added_value, 0)) stored,
  -- runledger.metric.NAME: the largest (set_at, set_span_id, set_value) wins.
  set_value numeric,
  set_at timestamptz,
  set_span_id text collate "C",
  -- runledger.metric_sum.NAME: the sum over all spans.
  added_value numeric,
  constraint run_metrics_pkey primary key (run_id, tenant_id, name)
) with (fillfactor = 70);

comment on table public.run_metrics is 'Business numbers of a run, as its spans state them';

create table public.qa_samples (
  run_id bigint not null,
  tenant_id int not null,
  company_id bigint not null,
  bucket varchar(16) not null,
  checks jsonb not null default '{"domain": false, "about_text": false, "contacts": false, "rationale": false}',
  result text not null default 'needs_review',
  notes text,
  created_at timestamptz not null default now(),
  facts jsonb,
  reviewer text,
  reviewed_at timestamptz,
  constraint qa_samples_pkey primary key (run_id, tenant_id, company_id),
  constraint qa_samples_result_known check (result in ('pass', 'fail', 'needs_review'))
);

comment on table public.qa_samples is 'Items drawn for a person to check, at most the tenant''s limit per run and bucket';

-- Ours -------------------------------------------------------------------------------------------------------------------------

create table runledger.tenants (
  tenant_id int primary key,
  name text collate "C" unique,
  status text not null default 'active',
  created_at timestamptz not null default now(),
  constraint tenants_id_range check (tenant_id >= 0),
  constraint tenants_name_shape check (name ~ '^[a-z][a-z0-9._-]{0,63}$'),
  constraint tenants_status_known check (status in ('active', 'disabled'))
);
comment on table runledger.tenants is 'Whose data it is; 0 is reserved for parked rows whose tenant is not known yet';

create sequence runledger.tenant_id_seq as int minvalue 1073741824 start 1073741824; -- named tenants, from 2^30
create sequence runledger.run_id_seq as bigint minvalue 4503599627370496 maxvalue 9007199254740991; -- keyed runs, [2^52, 2^53)

create table runledger.run_keys (
  tenant_id int not null,
  run_key text collate "C" not null,
  run_id bigint not null default nextval('runledger.run_id_seq'),
  primary key (tenant_id, run_key)
);
comment on table runledger.run_keys is 'The run_id of each run_key; rows are never deleted, so a key keeps its id';

create table runledger.tokens (
  token_id bigint generated by default as identity primary key,
  kind text not null,
  tenant_id int not null default 0,
  name text not null,
  scopes text[] not null,
  token_hash bytea not null unique,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  constraint tokens_kind_known check (kind in ('tenant', 'ingest', 'admin')),
  constraint tokens_tenant_of_kind check ((kind = 'tenant') = (tenant_id > 0)),
  constraint tokens_scopes_known check (scopes <@ array['write', 'read', 'review'])
);
comment on column runledger.tokens.token_hash is 'SHA-256 of the token; the token itself is kept nowhere';

create table runledger.bi_logins (
  login_name text collate "C" primary key,
  tenant_id int not null
);
comment on table runledger.bi_logins is 'Which tenant a BI login reads; only the owner writes it';

create table runledger.vendors (
  vendor varchar(64) collate "C" primary key,
  count_http boolean not null,
  aliases text[] not null default '{}',
  hosts text[] not null default '{}'
);
comment on table runledger.vendors is 'Known vendors: other names they go by, hosts (with subdomains), whether plain HTTP spans count as calls';

create table runledger.prices (
  price_id bigint generated by default as identity primary key,
  tenant_id int not null default 0,
  vendor varchar(64) collate "C" not null,
  model text collate "C" not null default '',
  unit text not null,
  amount_usd numeric not null,
  valid_from timestamptz not null default '-infinity',
  constraint prices_unit_known check (unit in ('call', 'unit', 'token_input', 'token_output')),
  constraint prices_amount_not_negative check (amount_usd >= 0),
  unique (tenant_id, vendor, model, unit, valid_from)
);
comment on table runledger.prices is 'Own prices; tenant 0 is everybody, a tenant''s own row wins, then the newest valid one';

create table runledger.attribute_aliases (
  alias text collate "C" primary key,
  attribute text not null
);
comment on table runledger.attribute_aliases is 'Attribute names that this deployment adds to those understood';

create table runledger.trace_bindings (
  tenant_id int not null,
  trace_id text collate "C" not null,
  run_tenant_id int not null,
  run_id bigint not null,
  bound_at timestamptz not null,
  primary key (tenant_id, trace_id)
);
comment on table runledger.trace_bindings is 'The run of a trace, by its root. Rows of tenant 0 serve spans that came without a tenant by an ingest token';
create index trace_bindings_bound_at on runledger.trace_bindings (bound_at); -- for expiry; ingest never updates it

create table runledger.parked_spans (
  tenant_id int not null,
  trace_id text collate "C" not null,
  ts timestamptz not null,
  span_id text collate "C" not null,
  seq int not null,
  reason text not null,
  run_id bigint,
  row jsonb not null,
  parked_at timestamptz not null,
  primary key (tenant_id, trace_id, ts, span_id, seq),
  constraint parked_spans_reason_known check (reason in ('no_run_yet', 'no_root_run', 'run_not_found'))
);
comment on table runledger.parked_spans is 'Mapped rows kept aside until their run is known; gone, and counted, after 24 h';
comment on column runledger.parked_spans.run_id is 'With an adopted enrichment_runs: the run that does not exist yet';

create table runledger.dirty_runs (
  tenant_id int not null,
  run_id bigint not null,
  due_at timestamptz not null,
  first_at timestamptz not null,
  changes bigint not null,
  primary key (tenant_id, run_id)
) with (fillfactor = 70);
comment on table runledger.dirty_runs is 'Runs whose rows changed since they were derived; changes is a count, never a time';

create table runledger.refusals (
  tenant_id int not null,
  day date not null,
  reason text collate "C" not null,
  spans bigint not null,
  primary key (tenant_id, day, reason)
);
comment on table runledger.refusals is 'What was not kept and why, counted per tenant and UTC day; conflict: a resend with other content';

create table runledger.settings (
  name text collate "C" primary key,
  value jsonb not null
);
comment on table runledger.settings is 'Facts of this installation: privacy_key, adopted, ...';

create table runledger.retention (
  only_row boolean primary key default true check (only_row),
  floor_day date not null default '2000-01-01'
);
comment on table runledger.retention is 'Days below floor_day are dropped and are never made again';
insert into runledger.retention default values;
insert into runledger.tenants (tenant_id, name) values (0, null);

-- The key under which e-mail addresses are hashed: 488 random bits, made once and kept with the data.
insert into runledger.settings (name, value)
select 'privacy_key', to_jsonb(encode(sha256(string_agg(uuid_send(gen_random_uuid()), ''::bytea)), 'hex'))
from generate_series(1, 4);

-- Whether enrichment_runs was there before and belongs to somebody else.
insert into runledger.settings (name, value)
select 'adopted', to_jsonb(relowner <> 'runledger_owner'::regrole) from pg_class where oid = 'public.enrichment_runs'::regclass;
