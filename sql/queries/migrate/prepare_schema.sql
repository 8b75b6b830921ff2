-- Runs as runledger_owner, before the first migration: the schema and the record of which file was applied in which wording.
create schema if not exists runledger;

create table if not exists runledger.applied_files (
  path text collate "C" primary key,
  sha256 text not null,
  applied_at timestamptz not null default now()
);
comment on table runledger.applied_files is 'Migrations, functions and views as they were applied; written by runledger migrate';
