-- What every connection of the process is set to before its first use. $1 the role, $2 statement_timeout in milliseconds.
-- set_config and not SET: it takes parameters and is one round trip.
select set_config('role', $1, false),
       set_config('statement_timeout', $2, false),
       set_config('lock_timeout', '3s', false),
       set_config('idle_in_transaction_session_timeout', '15s', false),
       set_config('timezone', 'UTC', false),
       set_config('datestyle', 'ISO, YMD', false),
       set_config('intervalstyle', 'iso_8601', false),
       set_config('search_path', 'public, pg_temp', false),
       set_config('citus.propagate_set_commands', 'local', false);
