-- Who and where we are, before anything is done.
select current_setting('server_version_num')::int as version,
       current_setting('server_version') as version_text,
       pg_is_in_recovery() as is_replica,
       session_user::text as login,
       current_database() as database_name,
       (select nspowner::regrole::text from pg_namespace where nspname = 'runledger') as schema_owner,
       to_regclass('runledger.applied_files') is not null as has_history,
       to_regclass('runledger.settings') is not null as has_tables,
       exists (select from pg_extension where extname = 'citus') as has_citus;
