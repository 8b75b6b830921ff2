-- Run as runledger_owner: of what schema the backup is, and of which days it has events.
select current_setting('server_version') as server_version,
  (select value = 'true'::jsonb from runledger.settings where name = 'adopted') as is_adopted,
  (select jsonb_agg(name order by name) from runledger.schema_migrations) as migrations,
  (select coalesce(jsonb_agg(to_char(to_date(right(c.relname, 8), 'YYYYMMDD'), 'YYYY-MM-DD') order by c.relname), '[]')
   from pg_inherits as i
   join pg_class as c on c.oid = i.inhrelid
   where i.inhparent = 'public.run_event_logs'::regclass) as days
