-- What our roles may do in this database as a whole: the owner makes the schemas, ingest makes temporary tables. No right on tables
-- is given here; each table's migration gives its own.

do $database$
declare
  wanted record;
begin
  for wanted in
    select * from (values ('runledger_owner', 'CREATE'), ('runledger_ingest', 'TEMPORARY')) as w (role_name, privilege)
  loop
    if not has_database_privilege(wanted.role_name, current_database(), wanted.privilege) then
      execute format('grant %s on database %I to %I', wanted.privilege, current_database(), wanted.role_name);
    end if;
  end loop;

  for wanted in
    select * from (values
      ('runledger_owner', 'CREATE'), ('runledger_owner', 'USAGE'), ('runledger_ingest', 'USAGE'), ('runledger_reader', 'USAGE'),
      ('runledger_operator', 'USAGE'), ('runledger_bi', 'USAGE')) as w (role_name, privilege)
  loop
    if not has_schema_privilege(wanted.role_name, 'public', wanted.privilege) then
      execute format('grant %s on schema public to %I', wanted.privilege, wanted.role_name);
    end if;
  end loop;
end
$database$;
