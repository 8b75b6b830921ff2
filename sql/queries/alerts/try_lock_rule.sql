-- Makes sweeps of one rule take turns over all receivers until the end of the transaction. $1 rule text.
select pg_try_advisory_xact_lock(hashtextextended('runledger alerts ' || $1::text, 0)) as locked
