-- For an administrator, in the ledger's database, where Runledger's own login may not drop roles.
set role runledger_owner;
delete from runledger.bi_logins where login_name = ':login';
reset role;
drop role :login;
