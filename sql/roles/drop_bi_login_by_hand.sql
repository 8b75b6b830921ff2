-- For an administrator, in the ledger's database, where Runledger's own login may not drop roles.
delete from runledger.bi_logins where login_name = ':login';
drop role :login;
