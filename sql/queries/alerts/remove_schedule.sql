-- $1 tenant_id int, $2 pipeline text, $3 environment text.
delete from runledger.schedules
where tenant_id = $1::int and pipeline = $2::text and environment = $3::text
