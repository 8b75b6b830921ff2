-- A migration may take its time, but it must not queue for long in front of a busy table's users: a waiting ALTER blocks them all.
select set_config('statement_timeout', '0', false),
       set_config('lock_timeout', '15s', false),
       set_config('idle_in_transaction_session_timeout', '0', false),
       set_config('timezone', 'UTC', false),
       set_config('client_min_messages', 'warning', false),
       set_config('search_path', 'public, pg_temp', false);
