-- What somebody did. $1 tenant_id int, $2 at timestamptz, $3 actor, $4 act, $5 object, $6 reason or null, $7 details jsonb or null.
insert into runledger.acts (tenant_id, at, actor, act, object, reason, details)
values ($1::int, $2::timestamptz, $3::text, $4::text, $5::text, $6::text, $7::jsonb)
