-- The columns of one table or view, as the prompt's \d NAME shows them. $1 its name, with or without schema.
select
  a.attname as column,
  format_type(a.atttypid, a.atttypmod) as type,
  case when a.attnotnull then 'not null' else '' end as null,
  col_description(a.attrelid, a.attnum) as about
from pg_attribute a
where a.attrelid = to_regclass($1::text)
  and a.attnum > 0
  and not a.attisdropped
order by a.attnum;
