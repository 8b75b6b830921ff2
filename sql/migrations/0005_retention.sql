-- Retention with sealing: whose books were closed before a day of its events was dropped, and the sums that the dropped events leave behind.

set local citus.multi_shard_modify_mode = 'sequential';

create table runledger.sealed_runs (
  tenant_id int not null,
  run_id bigint not null,
  sealed_at timestamptz not null,
  dropped_until date not null,
  events bigint not null,
  difference bigint not null default 0,
  checksum text collate "C" not null,
  constraint sealed_runs_pkey primary key (tenant_id, run_id)
);
comment on table runledger.sealed_runs is 'Runs that lost events to retention; their counters were audited before and are never written anew';
comment on column runledger.sealed_runs.dropped_until is 'Events of the run before this UTC day are gone';
comment on column runledger.sealed_runs.events is 'Events that were dropped';
comment on column runledger.sealed_runs.difference is '0, or how often a later drop found counters that no longer fitted the checksum';
comment on column runledger.sealed_runs.checksum is 'What runledger.closed_books says of the run';

revoke all on table runledger.sealed_runs from public;
alter table runledger.sealed_runs enable row level security;
alter table runledger.sealed_runs force row level security;
create policy owner_all on runledger.sealed_runs to runledger_owner using (true) with check (true);
create policy all_rows on runledger.sealed_runs to runledger_operator using (true) with check (true);
grant select on runledger.sealed_runs to runledger_operator;
