-- One at a time for each tenant, until the transaction ends. $1 tenant_id int
select pg_advisory_xact_lock(hashtextextended('runledger admissions ' || $1::int, 0))
