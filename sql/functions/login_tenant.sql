-- The tenant of a BI login, or null: also while that tenant is disabled, so that its open sessions see nothing from their next statement on.
-- Only this function reads runledger.bi_logins for the policies.
create or replace function runledger.login_tenant(login name) returns int
language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
  select b.tenant_id
  from runledger.bi_logins b join runledger.tenants t using (tenant_id)
  where b.login_name = login::text collate "C" and t.status = 'active'
$$;
revoke all on function runledger.login_tenant(name) from public;
grant execute on function runledger.login_tenant(name) to runledger_bi;
