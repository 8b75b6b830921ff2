-- Day partitions of run_event_logs. Made by CREATE TABLE LIKE and ATTACH, which wait for nobody who reads or writes the parent
-- (PARTITION OF takes an exclusive lock and queues ingest behind any open cursor). Call them in a transaction of their own.

-- True when the day's partition was made now, false when it was there.
-- Errors: RL001 for a day below the retention floor (dropped for good), RL002 for a day outside 2000..2100.
create or replace function runledger.ensure_partition(day date) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  partition_name name := 'events_' || to_char(day, 'YYYYMMDD');
  partition_id oid;
  is_attached boolean;
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
  -- Twice: most calls find the day there and take no lock. One lock for all days, because a session that makes several would else wait in
  -- a circle with one that makes one of them. The catalogue is read as a table and not by to_regclass, whose cache may
  -- still say "no such table" of one that another session made while this one waited for the lock.
  for look in 1 .. 2 loop
    select c.oid, i.inhparent is not null into partition_id, is_attached
    from pg_class as c
    left join pg_inherits as i on i.inhrelid = c.oid and i.inhparent = 'public.run_event_logs'::regclass
    where c.relname = partition_name and c.relnamespace = 'runledger'::regnamespace;
    if is_attached then
      return false;
    end if;
    if look = 1 then
      perform pg_advisory_xact_lock(hashtextextended('runledger.partitions', 0));
    end if;
  end loop;
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
