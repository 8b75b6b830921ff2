-- For sessions that read or write everything, however long it takes.
set statement_timeout = 0;
set lock_timeout = '60s';
set idle_in_transaction_session_timeout = 0;
set time zone 'UTC';
