-- Whether a login is there in the cluster, and whose it is in this database. $1 login. As runledger_owner.
select
  exists (select from pg_roles r where r.rolname = $1::text) as is_there,
  (select b.tenant_id from runledger.bi_logins b where b.login_name = $1::text) as tenant_id;
