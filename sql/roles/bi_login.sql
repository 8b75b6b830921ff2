-- A login for BI tools, which reads one tenant whatever it sets: it is a member of runledger_bi, and the policies ask runledger.bi_logins
-- for its tenant. Runs as the login of DATABASE_URL, which must be able to make roles. In settings of the transaction:
-- runledger.bi_login its name, runledger.bi_verifier the SCRAM verifier of its password (so that no log ever holds the password),
-- runledger.bi_connections how many it may open. A login that is there gets the new password.
do $bi_login$
declare
  login name := current_setting('runledger.bi_login');
  rights text := format('login connection limit %s password %L', current_setting('runledger.bi_connections')::int,
    current_setting('runledger.bi_verifier'));
begin
  if to_regrole(quote_ident(login)) is null then
    execute format('create role %I %s in role runledger_bi', login, rights);
  else
    execute format('alter role %I %s', login, rights);
  end if;
  execute format('grant connect on database %I to %I', current_database(), login);
  execute format('alter role %I in database %I set statement_timeout = %L', login, current_database(), '60s');
  execute format('alter role %I in database %I set default_transaction_read_only = on', login, current_database());
end
$bi_login$;
