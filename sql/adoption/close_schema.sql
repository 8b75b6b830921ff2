-- Runs as runledger_owner: takes back what open_schema gave.
do $close$
begin
  if current_setting('runledger.opened', true) = 'yes' then
    execute format('revoke usage on schema runledger from %I', session_user);
  end if;
end
$close$;
