-- Keeps every day of events where it is until the end of the transaction. It must be the first statement of a repeatable-read transaction: a
-- drop between the snapshot and the first look at the events would show counters whose events are gone.
lock table public.run_event_logs in access share mode
