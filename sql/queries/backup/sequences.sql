-- Read after the tables, so that no number of a copied row is handed out again. last_value is null where none was handed out yet.
select format('%I.%I', schemaname, sequencename) as name, last_value::text as last_value
from pg_sequences
where schemaname in ('public', 'runledger')
order by 1
