-- $1 tenant_id int, $2 rule text, $3 pipeline text.
delete from runledger.alert_overrides
where tenant_id = $1::int and rule = $2::text and pipeline = $3::text
