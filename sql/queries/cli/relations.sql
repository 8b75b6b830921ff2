-- The tables and views that the prompt's \d lists.
select
  n.nspname as schema,
  c.relname as name,
  case c.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end as kind,
  obj_description(c.oid, 'pg_class') as about
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('public', 'runledger')
  and c.relkind in ('r', 'p', 'v', 'm')
  and not c.relispartition
order by n.nspname = 'runledger', n.nspname, c.relname;
