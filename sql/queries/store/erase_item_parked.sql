-- Rows of the item that wait for their run are taken away; nobody has counted them yet. $1 tenant_id, $2 company_id.
delete from runledger.parked_spans
where tenant_id = $1::int and (row ->> 'companyId')::bigint = $2::bigint;
