-- Alerts: rules as rows, their state, schedules and the runs they expect, channels and the outbox of messages; what operators did to a run;
-- and what each audit found.

set local citus.multi_shard_modify_mode = 'sequential'; -- a plain placeholder on PostgreSQL without Citus

-- Rules ------------------------------------------------------------------------------------------------------------------------------

create table runledger.alert_rules (
  rule text collate "C" primary key,
  code text not null,
  kind text not null,
  title text not null,
  severity text not null,
  parameters jsonb not null default '{}',
  enabled boolean not null default true,
  remind_after_minutes int,
  constraint alert_rules_name_shape check (rule ~ '^[a-z][a-z0-9_]{0,63}$'),
  constraint alert_rules_code_shape check (code ~ '^[A-Z]{2}-[0-9]{2}$'),
  constraint alert_rules_severity_known check (severity in ('warn', 'page')),
  constraint alert_rules_parameters_object check (jsonb_typeof(parameters) = 'object'),
  constraint alert_rules_remind_range check (remind_after_minutes between 5 and 43200)
);
comment on table runledger.alert_rules is 'What is watched for every tenant; code names the runbook';
comment on column runledger.alert_rules.kind is 'How it is judged: stage_failed, stage_error_rate, vendor_limits, metric_below, run_failed, run_missed, run_stuck, run_too_short, cost_budget, latency_regression, qa_pass_rate, ingest, service_level';
comment on column runledger.alert_rules.severity is 'Of what fires, where the kind has no second limit that pages';
comment on column runledger.alert_rules.parameters is 'Limits, by kind; `runledger rule list` prints them, `rule set` refuses a wrong one with its name';
comment on column runledger.alert_rules.remind_after_minutes is 'A message again after that time while it fires and nobody acknowledged it; null: none';

insert into runledger.alert_rules (rule, code, kind, title, severity, parameters) values
  ('mv_refresh_failed', 'MV-01', 'stage_failed', 'refresh of the materialized view failed', 'page',
    '{"stage": "mv_refresh", "count_errors": false, "absent": "if_usual", "window_minutes": 60}'),
  ('crawl_error_rate', 'CR-02', 'stage_error_rate', 'crawl error rate high', 'warn',
    '{"stage": "crawl", "warn_above": 0.30, "page_above": 0.50, "minimum_units": 20}'),
  ('vendor_limits', 'VQ-03', 'vendor_limits', 'vendor quota or rate limit', 'warn', '{"only": null, "except": ["openai"]}'),
  ('openai_limits', 'OA-04', 'vendor_limits', 'OpenAI rate limit', 'warn', '{"only": ["openai"], "except": []}'),
  ('candidates_low', 'CC-05', 'metric_below', 'candidate count low', 'warn',
    '{"metric": "candidates_selected", "minimum": 50, "required": false}'),
  ('export_odoo_errors', 'OE-06', 'stage_failed', 'Odoo export errors', 'warn',
    '{"stage": "export_odoo", "count_errors": true, "absent": "never", "window_minutes": null}'),
  ('run_failed', 'RF-07', 'run_failed', 'run failed', 'page', '{}'),
  ('run_missed', 'RM-08', 'run_missed', 'run missed', 'page', '{}'),
  ('run_stuck', 'RS-09', 'run_stuck', 'run stuck', 'page', '{"silent_minutes": 30, "limit_minutes": null}'),
  ('run_too_short', 'RS-09', 'run_too_short', 'run too short', 'warn', '{"share_of_median": 0.25, "runs": 10, "minimum_runs": 5}'),
  ('cost_budget', 'CB-10', 'cost_budget', 'cost over budget', 'warn',
    '{"per_run_usd": null, "per_day_usd": null, "per_month_usd": null}'),
  ('latency_regression', 'LR-11', 'latency_regression', 'latency regression', 'warn',
    '{"runs": 10, "minimum_runs": 5, "spreads": 4, "minimum_increase_share": 0.5, "minimum_increase_ms": 1000, "minimum_samples": 20}'),
  ('qa_pass_rate', 'QA-12', 'qa_pass_rate', 'QA pass rate low', 'warn', '{"minimum": 0.80, "minimum_reviewed": 10, "runs": 5}'),
  ('ingest_health', 'IN-13', 'ingest', 'ingest is not healthy', 'warn',
    '{"refused_above": 0, "parked_minutes": 60, "conflicts_above": 0}'),
  ('service_levels', 'SL-14', 'service_level', 'service level missed', 'warn',
    '{"minimum_runs": 20, "run_success_rate": 0.98, "p95_run_minutes": null, "crawl_success_rate": null, "verified_email_rate": null}');

create table runledger.alert_overrides (
  tenant_id int not null,
  rule text collate "C" not null,
  pipeline text collate "C" not null default '',
  enabled boolean,
  parameters jsonb not null default '{}',
  constraint alert_overrides_pkey primary key (tenant_id, rule, pipeline),
  constraint alert_overrides_parameters_object check (jsonb_typeof(parameters) = 'object')
);
comment on table runledger.alert_overrides is 'Other limits for a tenant (0: all) and a pipeline ('''': all); tenant and pipeline win over tenant, tenant over pipeline';
comment on column runledger.alert_overrides.parameters is 'Laid over the rule''s, key by key';
comment on column runledger.alert_overrides.enabled is 'null: as the rule says';

-- State ------------------------------------------------------------------------------------------------------------------------------

create table runledger.alerts (
  tenant_id int not null,
  alert_id bigint generated by default as identity,
  rule text collate "C" not null,
  code text not null,
  environment text collate "C" not null default '',
  pipeline text collate "C" not null default '',
  subject text collate "C" not null default '',
  severity text not null,
  state text not null default 'firing',
  run_id bigint,
  numbers jsonb not null default '{}',
  fired_at timestamptz not null,
  last_bad_at timestamptz not null,
  reminded_at timestamptz,
  acked_at timestamptz,
  acked_by text,
  snoozed_until timestamptz,
  snoozed_by text,
  note text,
  resolved_at timestamptz,
  resolved_run_id bigint,
  resolved_because text,
  constraint alerts_pkey primary key (tenant_id, alert_id),
  constraint alerts_state_known check (state in ('firing', 'acked', 'snoozed', 'resolved')),
  constraint alerts_severity_known check (severity in ('warn', 'page')),
  constraint alerts_resolved_has_time check ((state = 'resolved') = (resolved_at is not null)),
  constraint alerts_snoozed_has_end check (state <> 'snoozed' or snoozed_until is not null)
) with (fillfactor = 70);
-- One open alert for each thing that can be wrong, whatever number of receivers look at it.
create unique index alerts_open on runledger.alerts (tenant_id, rule, environment, pipeline, subject) where state <> 'resolved';
create index alerts_fired_at on runledger.alerts (tenant_id, fired_at desc, alert_id desc);

comment on table runledger.alerts is 'One row each time something went wrong, from its first bad run to the next good one; tenant 0: the installation';
comment on column runledger.alerts.subject is 'What of the pipeline: a stage, vendor, metric, budget, ...; empty: the run itself';
comment on column runledger.alerts.run_id is 'The newest run for which it was bad';
comment on column runledger.alerts.numbers is 'The newest measured value, its limit and what explains them';
comment on column runledger.alerts.resolved_because is 'good, rule_disabled, tenant_disabled';

-- Schedules --------------------------------------------------------------------------------------------------------------------------

create table runledger.schedules (
  tenant_id int not null,
  pipeline text collate "C" not null,
  environment text collate "C" not null default '',
  cron text not null,
  timezone text not null default 'UTC',
  start_grace_seconds int not null default 900,
  run_limit_seconds int,
  minimum_seconds int,
  except_days date[] not null default '{}',
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  constraint schedules_pkey primary key (tenant_id, pipeline, environment),
  constraint schedules_grace_range check (start_grace_seconds between 0 and 86400),
  constraint schedules_limit_positive check (run_limit_seconds > 0),
  constraint schedules_minimum_range check (minimum_seconds >= 0 and minimum_seconds < coalesce(run_limit_seconds, 2147483647))
);
comment on table runledger.schedules is 'When runs are meant to start; environment '''' : that of runs without one';
comment on column runledger.schedules.except_days is 'Days on which none is expected, in the schedule''s timezone';
comment on column runledger.schedules.run_limit_seconds is 'Longer is stuck; null: the rule''s';
comment on column runledger.schedules.minimum_seconds is 'Shorter is too short; null: the rule''s share of the usual duration';

create table runledger.expected_runs (
  tenant_id int not null,
  pipeline text collate "C" not null,
  environment text collate "C" not null,
  due_at timestamptz not null,
  start_by timestamptz not null,
  run_id bigint,
  constraint expected_runs_pkey primary key (tenant_id, pipeline, environment, due_at)
);
comment on table runledger.expected_runs is 'Due times of the schedules, 48 h ahead, and the run that answered each';

-- Delivery ---------------------------------------------------------------------------------------------------------------------------

create table runledger.alert_channels (
  tenant_id int not null,
  channel text collate "C" not null,
  kind text not null,
  url text not null,
  secret text,
  min_severity text not null default 'warn',
  allow_private boolean not null default false,
  enabled boolean not null default true,
  from_environment boolean not null default false,
  created_at timestamptz not null default now(),
  host text generated always as (coalesce(substring(url from '^[a-z]+://(?:[^/?#]*@)?([^/?#@]*)'), '')) stored,
  leased_until timestamptz,
  paused_until timestamptz,
  posted_at timestamptz[] not null default '{}',
  constraint alert_channels_pkey primary key (tenant_id, channel),
  constraint alert_channels_name_shape check (channel ~ '^[a-z][a-z0-9_-]{0,63}$'),
  constraint alert_channels_kind_known check (kind in ('slack', 'webhook', 'alertmanager')),
  constraint alert_channels_severity_known check (min_severity in ('warn', 'page'))
);
comment on table runledger.alert_channels is 'Where messages go: tenant 0 gets those of all tenants, a tenant''s own channel only its own';
comment on column runledger.alert_channels.url is 'A secret: read by the owner alone, shown as its host';
comment on column runledger.alert_channels.leased_until is 'Until then one receiver sends to it, and no other';
comment on column runledger.alert_channels.paused_until is 'It asked to be left alone until then (Retry-After)';
comment on column runledger.alert_channels.posted_at is 'When the newest requests went to it, at most 20: what its rate limit goes by';

create table runledger.alert_deliveries (
  tenant_id int not null,
  delivery_id bigint generated by default as identity,
  alert_id bigint not null,
  channel_tenant_id int not null,
  channel text collate "C" not null,
  event text not null,
  event_at timestamptz not null,
  message jsonb not null,
  state text not null default 'pending',
  attempts int not null default 0,
  next_attempt_at timestamptz not null,
  last_error text,
  in_digest boolean not null default false,
  created_at timestamptz not null,
  finished_at timestamptz,
  constraint alert_deliveries_pkey primary key (tenant_id, delivery_id),
  -- The same message is never put into the outbox twice.
  constraint alert_deliveries_once unique (tenant_id, alert_id, channel_tenant_id, channel, event, event_at),
  constraint alert_deliveries_event_known check (event in ('fired', 'escalated', 'reminder', 'resolved', 'test')),
  constraint alert_deliveries_state_known check (state in ('pending', 'sent', 'dead'))
) with (fillfactor = 70);
create index alert_deliveries_pending on runledger.alert_deliveries (next_attempt_at) where state = 'pending';
comment on table runledger.alert_deliveries is 'The outbox: written in the transaction that changes an alert, sent afterwards, kept as the record';
comment on column runledger.alert_deliveries.last_error is 'A status or a kind of failure, never what the other side answered';

-- What audits found and what people did ------------------------------------------------------------------------------------------------

create table runledger.audit_results (
  audited_at timestamptz not null,
  job text collate "C" not null,
  difference bigint not null,
  runs_checked bigint not null,
  runs_sealed bigint not null,
  sealed_difference bigint not null,
  constraint audit_results_pkey primary key (job, audited_at)
);
comment on table runledger.audit_results is 'The result of each audit by a job (audit, retention); differences alert';

create table runledger.acts (
  tenant_id int not null,
  act_id bigint generated by default as identity,
  at timestamptz not null default now(),
  actor text not null,
  act text not null,
  object text not null,
  reason text,
  details jsonb,
  constraint acts_pkey primary key (tenant_id, act_id)
);
create index acts_at on runledger.acts (tenant_id, at desc);
comment on table runledger.acts is 'What people did by API or command: cancel, exclude, review, acknowledge, tokens, tenants, ...';
comment on column runledger.acts.actor is 'The name given, and the token''s';

do $runs$
begin
  if (select relowner = 'runledger_owner'::regrole from pg_class where oid = 'public.enrichment_runs'::regclass) then
    -- adopted: begin
    alter table public.enrichment_runs
      add column if not exists excluded boolean not null default false,
      add column if not exists note text,
      add column if not exists derived_status text;
    -- Runs of a tenant from the newest on: the latest one, the last so many before it. What the index holds is written when the run's first
    -- span comes and hardly ever again (started_at is a minimum), so that updates of counters and of liveness stay heap-only.
    create index if not exists enrichment_runs_started_at on public.enrichment_runs (tenant_id, started_at, run_id);
    comment on column public.enrichment_runs.excluded is 'An operator left it out of baselines and alerts';
    comment on column public.enrichment_runs.note is 'What an operator noted';
    comment on column public.enrichment_runs.derived_status is 'The status that the last derive saw: a run that has ended is judged once this is its status';
    grant update (excluded, note) on public.enrichment_runs to runledger_reader, runledger_operator;
    drop policy if exists reader_review on public.enrichment_runs;
    create policy reader_review on public.enrichment_runs for update to runledger_reader
      using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::int)
      with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::int);
    -- adopted: end
  end if;
end
$runs$;

-- Walls ------------------------------------------------------------------------------------------------------------------------------

do $walls$
declare
  wall record;
  own_tenant constant text := $q$tenant_id = nullif(current_setting('app.tenant_id', true), '')::int$q$;
begin
  for wall in
    select * from (values
      ('runledger.alert_overrides', true),
      ('runledger.alerts', true),
      ('runledger.schedules', true),
      ('runledger.expected_runs', true),
      ('runledger.alert_channels', false),
      ('runledger.alert_deliveries', true),
      ('runledger.acts', true)
    ) as w (table_name, reader)
  loop
    execute format('revoke all on table %s from public', wall.table_name);
    execute format('alter table %s enable row level security', wall.table_name);
    execute format('alter table %s force row level security', wall.table_name);
    execute format('create policy owner_all on %s to runledger_owner using (true) with check (true)', wall.table_name);
    execute format('create policy all_rows on %s to runledger_operator using (true) with check (true)', wall.table_name);
    if wall.reader then
      execute format('create policy reader_own on %s for select to runledger_reader using (%s)', wall.table_name, own_tenant);
    end if;
  end loop;
  execute format('create policy reader_review on runledger.alerts for update to runledger_reader using (%s) with check (%s)',
    own_tenant, own_tenant);
  execute format('create policy reader_act on runledger.acts for insert to runledger_reader with check (%s)', own_tenant);
end
$walls$;
revoke all on table runledger.alert_rules, runledger.audit_results from public;

-- Thresholds of tenant 0 are everybody's.
create policy reader_shared on runledger.alert_overrides for select to runledger_reader using (tenant_id = 0);
create policy bi_own on runledger.alerts for select to runledger_bi using (tenant_id = (select runledger.login_tenant(current_user)));

grant select on runledger.alert_rules, runledger.alert_overrides, runledger.alerts, runledger.schedules, runledger.expected_runs,
  runledger.acts to runledger_reader, runledger_operator;
grant select on runledger.alerts to runledger_bi;
grant select (tenant_id, delivery_id, alert_id, channel_tenant_id, channel, event, event_at, state, attempts, next_attempt_at, last_error,
  in_digest, created_at, finished_at) on runledger.alert_deliveries to runledger_reader, runledger_operator;
grant select on runledger.audit_results to runledger_operator;
grant update (state, acked_at, acked_by, snoozed_until, snoozed_by, note) on runledger.alerts to runledger_reader, runledger_operator;
grant insert (tenant_id, at, actor, act, object, reason, details) on runledger.acts to runledger_reader, runledger_operator;
grant insert, update, delete on runledger.alert_overrides, runledger.schedules to runledger_operator;
grant update (severity, parameters, enabled, remind_after_minutes) on runledger.alert_rules to runledger_operator;
-- A channel's address and secret are written and never read back by the API.
grant select (tenant_id, channel, kind, min_severity, allow_private, enabled, from_environment, created_at, host), insert, delete,
  update (url, secret, min_severity, allow_private, enabled) on runledger.alert_channels to runledger_operator;
