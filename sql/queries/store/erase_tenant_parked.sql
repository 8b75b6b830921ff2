-- $1 tenant_id.
delete from runledger.parked_spans where tenant_id = $1::int;
