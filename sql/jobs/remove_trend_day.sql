-- $1 tenant_id int, $2 pipeline text, $3 environment text, $4 day date.
delete from runledger.trend_days d
where d.tenant_id = $1::int and d.pipeline = $2::text and d.environment = $3::text and d.day = $4::date
