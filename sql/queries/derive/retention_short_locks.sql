-- A drop waits briefly and comes again, because everybody else waits behind it. $1 milliseconds as text.
select set_config('lock_timeout', $1::text, true)
