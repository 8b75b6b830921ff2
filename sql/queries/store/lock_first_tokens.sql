-- Held to the end of the transaction: of the starts on one database, one at a time looks for its tokens and registers them.
select pg_advisory_xact_lock(hashtextextended('runledger.first_tokens', 0));
