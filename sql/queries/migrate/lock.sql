-- One migration of this database at a time; the others wait, however long it takes. Given back when the connection ends.
select pg_advisory_lock(hashtextextended('runledger.migrate', 0));
