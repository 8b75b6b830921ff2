-- For an administrator, in the ledger's database, where Runledger's own login may not make roles. Choose a password.
do $bi_login$
begin
  if to_regrole(':login') is null then create role :login in role runledger_bi; end if;
  execute format('grant connect on database %I to :login', current_database());
  execute format('alter role :login in database %I set statement_timeout = %L', current_database(), '60s');
  execute format('alter role :login in database %I set default_transaction_read_only = on', current_database());
end
$bi_login$;
alter role :login login connection limit :connections password 'CHOOSE ONE';
set role runledger_owner;
insert into runledger.bi_logins (login_name, tenant_id) values (':login', :tenant) on conflict (login_name) do nothing;
reset role;
