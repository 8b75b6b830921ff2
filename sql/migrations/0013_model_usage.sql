-- What a run used of each model of a vendor, kept when its events are dropped. Derive counts it from the events, in the transaction that
-- clears the run's dirty mark; the sums over the models of a vendor are what run_vendor_usage says of it once the run is derived.

set local citus.multi_shard_modify_mode = 'sequential'; -- a plain placeholder on PostgreSQL without Citus

create table runledger.model_usage (
  tenant_id int not null,
  run_id bigint not null,
  vendor varchar(64) collate "C" not null,
  model varchar(100) collate "C" not null,
  calls bigint not null,
  errors bigint not null,
  units bigint not null,
  tokens_input bigint not null,
  tokens_output bigint not null,
  cost_usd numeric not null,
  unpriced_calls bigint not null,
  unpriced_tokens bigint not null,
  constraint model_usage_pkey primary key (tenant_id, run_id, vendor, model)
) with (fillfactor = 90);
comment on table runledger.model_usage is 'What a run used of each model of a vendor, as of its last derive; cost_usd is "at least" while unpriced_calls > 0';
comment on column runledger.model_usage.model is 'As the calls name it, without the date of a snapshot; empty: they name none; _other: beyond the fifty of a vendor that cost most in the run';
comment on column runledger.model_usage.units is 'What calls state as runledger.units: credits, pages, whatever the vendor bills by';

-- Walls ----------------------------------------------------------------------------------------------------------------------------

revoke all on table runledger.model_usage from public;
alter table runledger.model_usage enable row level security;
alter table runledger.model_usage force row level security;
create policy owner_all on runledger.model_usage to runledger_owner using (true) with check (true);
create policy all_rows on runledger.model_usage to runledger_operator using (true) with check (true);
create policy reader_own on runledger.model_usage for select to runledger_reader
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::int);
-- Schema runledger stays closed to BI logins; the views reach the table by what it is.
create policy bi_own on runledger.model_usage for select to runledger_bi
  using (tenant_id = (select runledger.login_tenant(current_user)));
grant select on runledger.model_usage to runledger_reader, runledger_operator, runledger_bi;

-- Runs from before -----------------------------------------------------------------------------------------------------------------

-- Derive counts them at its next turn, run by run; of those that lost events, only the vendor is still known.
-- The list comes from their vendors: an adopted table of runs is not ours to read yet.
insert into runledger.dirty_runs (tenant_id, run_id, due_at, first_at, changes)
select distinct v.tenant_id, v.run_id, now(), now(), 1
from public.run_vendor_usage v
on conflict (tenant_id, run_id) do update set changes = runledger.dirty_runs.changes + 1;
