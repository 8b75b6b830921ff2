-- Makes derives of one run take turns until the end of the transaction: two at once could let the older result overwrite the newer one. No
-- row is locked, so writers do not wait. $1 tenant_id int, $2 run_id bigint.
select pg_try_advisory_xact_lock(hashtextextended('runledger derive ' || $1::int || ' ' || $2::bigint, 0)) as locked
