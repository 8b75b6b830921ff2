-- Gives this transaction the time that a recount of a large run takes; the connection's own limit is meant for the write path.
select
  set_config('statement_timeout', $1::text, true),
  set_config('work_mem', '64MB', true)
