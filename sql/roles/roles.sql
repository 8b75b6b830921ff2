-- The roles of the cluster. Runs in any number of databases, any number of times and at the same time: what is there stays as it is.
-- It runs as the login that migrates (superuser, or CREATEROLE) or, printed by `runledger migrate`, as an administrator.
-- runledger.login is the login that the receiver connects with: it may become each of the four roles, and inherits none of them.

do $roles$
declare
  login name := current_setting('runledger.login');
  role_name name;
  version int := current_setting('server_version_num')::int;
  me record;
begin
  select rolsuper, rolcreaterole, rolbypassrls into me from pg_roles where rolname = current_user;

  foreach role_name in array array['runledger_owner', 'runledger_ingest', 'runledger_reader', 'runledger_operator', 'runledger_bi']
  loop
    if to_regrole(role_name) is null then
      begin
        execute format('create role %I nologin', role_name);
      exception when duplicate_object or unique_violation then
        raise notice 'role % was just created by another session', role_name;
      end;
    end if;
  end loop;

  -- COPY cannot write under policies; with BYPASSRLS ingest copies straight into the tables, without it by way of a temporary table.
  if (me.rolsuper or (version >= 160000 and me.rolcreaterole and me.rolbypassrls))
    and not (select rolbypassrls from pg_roles where rolname = 'runledger_ingest') then
    begin
      alter role runledger_ingest bypassrls;
    exception when insufficient_privilege then
      raise notice 'runledger_ingest stays without BYPASSRLS: the role was made by another administrator';
    end;
  end if;

  foreach role_name in array array['runledger_owner', 'runledger_ingest', 'runledger_reader', 'runledger_operator']
  loop
    -- A superuser can become any role as it is. Since PostgreSQL 16 the right to become a role (SET) is apart from the membership.
    if (select rolsuper from pg_roles where rolname = login) then
      null;
    elsif version >= 160000 then
      if not pg_has_role(login, role_name, 'SET') then
        execute format('grant %I to %I with inherit false, set true', role_name, login);
      end if;
    elsif not pg_has_role(login, role_name, 'MEMBER') then
      execute format('grant %I to %I', role_name, login);
    end if;
  end loop;
end
$roles$;
