-- Where rows are put down that may be in the ledger already, or that COPY may not bring there because row level security binds this role.
-- It lives as long as its connection; where the ledger was migrated meanwhile it is made anew.
do $incoming$
begin
  -- Takes no row, and keeps the ledger's columns as they are until the end of the transaction.
  perform from public.run_event_logs where false;
  if exists (
    select from (
      select a.attname, a.atttypid, a.atttypmod
      from pg_attribute a
      where a.attrelid in ('public.run_event_logs'::regclass, to_regclass('pg_temp.incoming')) and a.attnum > 0 and not a.attisdropped
    ) as c
    group by c.attname, c.atttypid, c.atttypmod
    having count(*) <> 2
  ) then
    drop table if exists pg_temp.incoming;
    create temp table incoming (like public.run_event_logs including defaults) on commit delete rows;
  end if;
end
$incoming$
