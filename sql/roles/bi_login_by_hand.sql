-- For an administrator, in the ledger's database, where Runledger's own login may not make roles. Choose a password.
create role :login login connection limit :connections password 'CHOOSE ONE' in role runledger_bi;
alter role :login set default_transaction_read_only = on;
set role runledger_owner;
insert into runledger.bi_logins (login_name, tenant_id) values (':login', :tenant);
reset role;
