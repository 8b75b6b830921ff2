select runledger.ensure_partition($1::date);
