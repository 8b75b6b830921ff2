-- Empties the tables of an empty ledger of what its migrations put there; the backup has the same, as it was.
do $clear$
declare
  names text;
begin
  select string_agg(format('%I.%I', n.nspname, c.relname), ', ') into names
  from pg_class as c
  join pg_namespace as n on n.oid = c.relnamespace
  where n.nspname in ('public', 'runledger') and c.relkind in ('r', 'p') and not c.relispartition
    and pg_get_userbyid(c.relowner) = 'runledger_owner'
    and c.relname not in ('schema_migrations', 'applied_files');
  execute 'truncate ' || names;
end
$clear$
