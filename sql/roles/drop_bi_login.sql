-- Removes a BI login. In a setting of the transaction: runledger.bi_login its name. A session of it that is still open sees nothing any more,
-- because its line in runledger.bi_logins is gone too.
do $bi_login$
declare
  login name := current_setting('runledger.bi_login');
begin
  if to_regrole(quote_ident(login)) is not null then
    execute format('revoke connect on database %I from %I', current_database(), login);
    execute format('drop role %I', login);
  end if;
end
$bi_login$;
