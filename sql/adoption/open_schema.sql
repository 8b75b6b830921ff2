-- Runs as runledger_owner in the transaction of an adoption: the table's owner names runledger.login_tenant in a policy, for which it
-- must see the schema. Taken back by close_schema before the commit, so that nobody else ever sees it open.
do $open$
begin
  if not has_schema_privilege(session_user, 'runledger', 'USAGE') then
    execute format('grant usage on schema runledger to %I', session_user);
    perform set_config('runledger.opened', 'yes', true);
  end if;
end
$open$;
