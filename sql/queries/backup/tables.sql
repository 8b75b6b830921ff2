-- Every table that a backup holds, with the statements that write it out and read it in; what the database computes itself is left to it. What
-- was applied to make the tables is not data: a restore compares it instead.
select table_name, copy_out, copy_in
from (
  select format('%I.%I', n.nspname, c.relname) as table_name,
    format('copy (select %s from %I.%I) to stdout', columns.list, n.nspname, c.relname) as copy_out,
    format('copy %I.%I (%s) from stdin', n.nspname, c.relname, columns.list) as copy_in
  from pg_class as c
  join pg_namespace as n on n.oid = c.relnamespace
  cross join lateral (
    select string_agg(quote_ident(a.attname), ', ' order by a.attname) as list
    from pg_attribute as a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
  ) as columns
  where n.nspname in ('public', 'runledger') and c.relkind in ('r', 'p') and not c.relispartition
    and pg_get_userbyid(c.relowner) = 'runledger_owner'
    and c.relname not in ('schema_migrations', 'applied_files')
) as found
order by table_name
