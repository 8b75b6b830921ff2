-- Who and where we are, before anything is done. The catalogue is read as tables: the login may have no right on schema runledger,
-- and then to_regclass fails.
select current_setting('server_version_num')::int as version,
       current_setting('server_version') as version_text,
       pg_is_in_recovery() as is_replica,
       session_user::text as login,
       current_database() as database_name,
       (select nspowner::regrole::text from pg_namespace where nspname = 'runledger') as schema_owner,
       exists (select from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
         where n.nspname = 'runledger' and c.relname = 'applied_files') as has_history,
       exists (select from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
         where n.nspname = 'runledger' and c.relname = 'settings') as has_tables,
       exists (select from pg_extension where extname = 'citus') as has_citus;
