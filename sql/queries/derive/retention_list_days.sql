-- The days that retention has still to drop, the oldest first: those with a partition, and the last one, which moves the floor although it
-- may have none. $1 first day that is kept, date.
select to_char(d.day, 'YYYY-MM-DD') as day, coalesce(pg_total_relation_size(d.partition_oid), 0) as bytes
from (
  select to_date(right(c.relname, 8), 'YYYYMMDD') as day, c.oid as partition_oid
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'public.run_event_logs'::regclass
    and c.relnamespace = 'runledger'::regnamespace
    and c.relname ~ '^events_[0-9]{8}$'
  union all
  select $1::date - 1, null
  where to_regclass('runledger.events_' || to_char($1::date - 1, 'YYYYMMDD')) is null
) d
where d.day < $1::date
  and (d.partition_oid is not null or d.day >= (select r.floor_day from runledger.retention r))
order by d.day
