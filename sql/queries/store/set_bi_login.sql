-- Which tenant a BI login reads. $1 login, $2 tenant_id. As runledger_owner.
insert into runledger.bi_logins as b (login_name, tenant_id)
values ($1::text, $2::int)
on conflict (login_name) do update set tenant_id = excluded.tenant_id;
