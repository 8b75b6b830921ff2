-- Days from today (UTC) to $1 days ahead that have no partition of events yet.
select to_char(day, 'YYYY-MM-DD') as day
from generate_series(current_date, current_date + $1::int, interval '1 day') as day
where not exists (
  select from pg_inherits as i
  join pg_class as c on c.oid = i.inhrelid
  where i.inhparent = 'public.run_event_logs'::regclass and c.relname = 'events_' || to_char(day, 'YYYYMMDD')
)
order by day
