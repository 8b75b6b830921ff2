-- What makes reads over many runs, and of very large ones, fast: sums that hold only while they are provably of all that is there.
--
-- Durations merged over the runs of a day, so that percentiles over weeks need not merge every run again. A merged row is used only as long
-- as it is of exactly the trend rows that the runs of its day have now: both carry a fingerprint. A day whose rows are not, or that has one
-- run, is read run by run, so that answers are the same with and without.

set local citus.multi_shard_modify_mode = 'sequential'; -- a plain placeholder on PostgreSQL without Citus

do $runs$
begin
  if (select relowner = 'runledger_owner'::regrole from pg_class where oid = 'public.enrichment_runs'::regclass) then
    -- adopted: begin
    alter table public.enrichment_runs add column if not exists trends_hash bigint;
    comment on column public.enrichment_runs.trends_hash is 'Fingerprint of its rows in runledger.trend_buckets; null: not taken yet';
    -- adopted: end
  end if;
end
$runs$;

create table runledger.trend_days (
  tenant_id int not null,
  pipeline text collate "C" not null,
  environment text collate "C" not null,
  day date not null,
  stage varchar(64) collate "C" not null,
  class varchar(80) collate "C" not null,
  is_main boolean not null,
  trends_hash bigint not null,
  runs bigint not null,
  samples bigint not null,
  zeros bigint not null,
  bucket_index int[] not null,
  bucket_count bigint[] not null,
  constraint trend_days_pkey primary key (tenant_id, pipeline, environment, day, stage, class, is_main),
  constraint trend_days_lengths_equal check (cardinality(bucket_index) = cardinality(bucket_count))
);
comment on table runledger.trend_days is 'Rows of runledger.trend_buckets merged over the runs of a day that ended and are not excluded; a copy that may lag or be missing';
comment on column runledger.trend_days.day is 'UTC day of the runs'' start';
comment on column runledger.trend_days.is_main is 'Of the runs whose percentiles of the stage are over this class, see run_stage_stats.duration_class';
comment on column runledger.trend_days.trends_hash is 'Of all trend rows of the runs of the day, joined by exclusive or: holds while it is that of the runs';

-- Walls ----------------------------------------------------------------------------------------------------------------------------

revoke all on table runledger.trend_days from public;
alter table runledger.trend_days enable row level security;
alter table runledger.trend_days force row level security;
create policy owner_all on runledger.trend_days to runledger_owner using (true) with check (true);
create policy all_rows on runledger.trend_days to runledger_operator using (true) with check (true);
create policy reader_own on runledger.trend_days for select to runledger_reader
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::int);
-- Schema runledger stays closed to BI logins; the views reach the table by what it is.
create policy bi_own on runledger.trend_days for select to runledger_bi
  using (tenant_id = (select runledger.login_tenant(current_user)));
grant select on runledger.trend_days to runledger_reader, runledger_operator, runledger_bi;

-- QA samples by run ----------------------------------------------------------------------------------------------------------------

-- Progress and pass rates count results over all samples of many runs; a sample's own row is wide for its facts and notes. Derive writes a
-- few per run, and a review is a person's.
create index qa_samples_results on public.qa_samples (tenant_id, run_id, reviewer) include (result, reviewed_at, created_at, bucket);

-- Timelines of large runs ----------------------------------------------------------------------------------------------------------

create table runledger.run_timelines (
  tenant_id int not null,
  run_id bigint not null,
  first_event_at timestamptz not null,
  steps int not null,
  step_ms bigint not null,
  items bigint not null,
  vendor_calls bigint not null,
  counts jsonb not null,
  constraint run_timelines_pkey primary key (tenant_id, run_id)
);
comment on table runledger.run_timelines is 'How much of what ended when in a large run that has ended; kept when events are dropped';
comment on column runledger.run_timelines.items is 'Items and vendor calls that were counted; holds while the run has stored as many: events are never changed';
comment on column runledger.run_timelines.counts is 'An object a stage and step in which something ended';

revoke all on table runledger.run_timelines from public;
alter table runledger.run_timelines enable row level security;
alter table runledger.run_timelines force row level security;
create policy owner_all on runledger.run_timelines to runledger_owner using (true) with check (true);
create policy all_rows on runledger.run_timelines to runledger_operator using (true) with check (true);
create policy reader_own on runledger.run_timelines for select to runledger_reader
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::int);
grant select on runledger.run_timelines to runledger_reader, runledger_operator;
