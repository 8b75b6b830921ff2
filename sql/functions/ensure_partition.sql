-- Day partitions of run_event_logs. Made by CREATE TABLE LIKE and ATTACH, which wait for nobody who reads or writes the parent
-- (PARTITION OF takes an exclusive lock and queues ingest behind any open cursor). Call them in a transaction of their own.

-- True when the day's partition was made now, false when it was there.
-- Errors: RL001 for a day below the retention floor (dropped for good), RL002 for a day outside 2000..2100.
create or replace function runledger.ensure_partition(day date) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  partition_name text := 'events_' || to_char(day, 'YYYYMMDD');
  partition_id oid := to_regclass('runledger.' || partition_name);
  floor_day date;
begin
  if day is null or day not between date '2000-01-01' and date '2100-12-31' then
    raise exception 'no day partition for %: days run from 2000-01-01 to 2100-12-31', day using errcode = 'RL002';
  end if;
  -- FOR SHARE waits for a retention job that is just moving the floor, and then sees the moved one.
  select r.floor_day into floor_day from runledger.retention as r for share;
  if day < floor_day then
    raise exception 'no day partition for %: days below % are dropped and not made again', day, floor_day using errcode = 'RL001';
  end if;
  if exists (select from pg_inherits where inhrelid = partition_id and inhparent = 'public.run_event_logs'::regclass) then
    return false;
  end if;

  perform pg_advisory_xact_lock(hashtextextended('runledger.' || partition_name, 0));
  partition_id := to_regclass('runledger.' || partition_name);
  if exists (select from pg_inherits where inhrelid = partition_id and inhparent = 'public.run_event_logs'::regclass) then
    return false;
  end if;
  if partition_id is not null then
    raise exception 'runledger.% is there but is no partition of public.run_event_logs', partition_name
      using hint = format('Rename it: alter table runledger.%I rename to %I;', partition_name, partition_name || '_old');
  end if;

  execute format('create table runledger.%I (like public.run_event_logs including all)', partition_name);
  -- Whoever reads a partition directly does not pass the parent's policies: it has its own, and no grants.
  execute format('alter table runledger.%I enable row level security', partition_name);
  execute format('alter table runledger.%I force row level security', partition_name);
  execute format('create policy owner_all on runledger.%I to runledger_owner using (true) with check (true)', partition_name);
  execute format('alter table public.run_event_logs attach partition runledger.%I for values from (%L) to (%L)',
    partition_name, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
  return true;
end
$$;

-- The partitions of all days from first_day to last_day, both included; resolves to how many were made.
create or replace function runledger.ensure_partitions(first_day date, last_day date) returns int
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  made int := 0;
begin
  for offset_days in 0 .. last_day - first_day loop
    if runledger.ensure_partition(first_day + offset_days) then
      made := made + 1;
    end if;
  end loop;
  return made;
end
$$;

revoke all on function runledger.ensure_partition(date) from public;
revoke all on function runledger.ensure_partitions(date, date) from public;
grant execute on function runledger.ensure_partition(date) to runledger_ingest;
grant execute on function runledger.ensure_partitions(date, date) to runledger_ingest;
