-- Run as runledger_owner in a transaction of its own that stays open: until then no table and no day of events can be dropped or changed in
-- its columns. Readers and writers go on.
do $hold$
declare
  held record;
begin
  for held in
    select n.nspname, c.relname
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname in ('public', 'runledger') and c.relkind in ('r', 'p') and not c.relispartition
      and pg_get_userbyid(c.relowner) = 'runledger_owner'
    order by 1, 2
  loop
    execute format('lock table %I.%I in access share mode', held.nspname, held.relname);
  end loop;
end
$hold$
