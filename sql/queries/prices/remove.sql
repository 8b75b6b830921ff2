-- $1 price_id.
delete from runledger.prices where price_id = $1::bigint returning vendor, unit
