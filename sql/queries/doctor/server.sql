-- What the server is, and the settings under which an acknowledged span can be lost.
select current_setting('server_version') as version,
  current_setting('fsync') = 'on' as fsync,
  current_setting('full_page_writes') = 'on' as full_page_writes,
  current_setting('synchronous_commit') <> 'off' as synchronous_commit,
  pg_size_pretty(pg_database_size(current_database())) as size
