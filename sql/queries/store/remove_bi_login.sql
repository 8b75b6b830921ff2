-- $1 login. As runledger_owner. No row: it is no BI login of this database.
delete from runledger.bi_logins where login_name = $1::text returning tenant_id;
