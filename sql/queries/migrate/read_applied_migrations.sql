select name from runledger.schema_migrations order by id;
