-- Its BI logins see nothing from now on; their roles are dropped by whoever may. $1 tenant_id.
delete from runledger.bi_logins where tenant_id = $1::int returning login_name;
