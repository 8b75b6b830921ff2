-- What derive keeps beside the counters: how many items of each kind a person is to check, durations in buckets that outlive the events,
-- and business numbers that are counted from the events instead of stated by a pipeline.

set local citus.multi_shard_modify_mode = 'sequential'; -- a plain placeholder on PostgreSQL without Citus

-- Business numbers that derive counts ----------------------------------------------------------------------------------------------

-- A third part of a number, beside what spans set and what they add. The write path, audit and rebuild know only those two; derive alone
-- writes this one. A counted number hides a stated one of the same name.
alter table public.run_metrics
  add column derived_value numeric,
  drop column value;
alter table public.run_metrics
  add column value numeric generated always as (
    coalesce(derived_value, coalesce(set_value, 0) + coalesce(added_value, 0))
  ) stored;
comment on column public.run_metrics.derived_value is 'Counted from the run''s events when it is derived: bucket_high, bucket_medium, bucket_low';
comment on column public.run_metrics.value is 'derived_value if there is one, else what spans set plus what they added';

-- QA -------------------------------------------------------------------------------------------------------------------------------

create table runledger.qa_settings (
  tenant_id int not null,
  bucket varchar(16) collate "C" not null,
  sample_limit int not null default 10,
  checks jsonb not null default '{"domain": false, "about_text": false, "contacts": false, "rationale": false}',
  constraint qa_settings_pkey primary key (tenant_id, bucket),
  constraint qa_settings_bucket_lower check (bucket <> '' and bucket = lower(bucket)),
  constraint qa_settings_limit_range check (sample_limit between 0 and 200),
  constraint qa_settings_checks_shape check (
    jsonb_typeof(checks) = 'object' and length(checks::text) <= 4000 and not checks @? '$.* ? (@.type() != "boolean")'
  )
);
comment on table runledger.qa_settings is 'Which buckets are drawn for QA; tenant 0 is everybody, a tenant''s own row wins; other buckets are not drawn';
comment on column runledger.qa_settings.bucket is 'In small letters; an item''s bucket is compared without regard to case';
comment on column runledger.qa_settings.sample_limit is 'Items drawn per run at most; 0: none';
comment on column runledger.qa_settings.checks is 'The checklist that a drawn item begins with: names and booleans';
insert into runledger.qa_settings (tenant_id, bucket) values (0, 'high');

-- Trends ---------------------------------------------------------------------------------------------------------------------------

create table runledger.trend_buckets (
  tenant_id int not null,
  run_id bigint not null,
  stage varchar(64) collate "C" not null,
  class varchar(80) collate "C" not null,
  samples bigint not null,
  zeros bigint not null,
  bucket_index int[] not null,
  bucket_count bigint[] not null,
  constraint trend_buckets_pkey primary key (tenant_id, run_id, stage, class),
  constraint trend_buckets_lengths_equal check (cardinality(bucket_index) = cardinality(bucket_count))
);
comment on table runledger.trend_buckets is 'Durations of runs that have ended, in buckets; kept when events are dropped; read with runledger.trend_quantile';
comment on column runledger.trend_buckets.stage is 'The stage; _run: over the whole run';
comment on column runledger.trend_buckets.class is 'item, vendor_call or stage, as in run_stage_stats.duration_class; of _run: vendor:NAME';
comment on column runledger.trend_buckets.zeros is 'Durations of 0 ms; samples counts them too';
comment on column runledger.trend_buckets.bucket_index is 'Ascending; bucket i holds the durations of 1.02^i ms and more, below 1.02^(i + 1) ms';
comment on column runledger.trend_buckets.bucket_count is 'How many durations each of those buckets holds';

-- Walls ----------------------------------------------------------------------------------------------------------------------------

do $walls$
declare
  table_name text;
  own_tenant constant text := $q$tenant_id = nullif(current_setting('app.tenant_id', true), '')::int$q$;
begin
  foreach table_name in array array['runledger.qa_settings', 'runledger.trend_buckets']
  loop
    execute format('revoke all on table %s from public', table_name);
    execute format('alter table %s enable row level security', table_name);
    execute format('alter table %s force row level security', table_name);
    execute format('create policy owner_all on %s to runledger_owner using (true) with check (true)', table_name);
    execute format('create policy all_rows on %s to runledger_operator using (true) with check (true)', table_name);
    execute format('create policy reader_own on %s for select to runledger_reader using (%s)', table_name, own_tenant);
  end loop;
end
$walls$;

-- A setting of tenant 0 is everybody's.
create policy reader_shared on runledger.qa_settings for select to runledger_reader using (tenant_id = 0);

grant select on runledger.qa_settings, runledger.trend_buckets to runledger_reader, runledger_operator;
grant insert, update (sample_limit, checks) on runledger.qa_settings to runledger_operator;
