-- For an administrator, in the ledger's database, where Runledger's own login may not drop roles.
set role runledger_owner;
delete from runledger.bi_logins where login_name = ':login';
reset role;
do $bi_login$
begin
  if to_regrole(':login') is not null then
    execute format('revoke connect on database %I from :login', current_database());
    drop role :login;
  end if;
end
$bi_login$;
