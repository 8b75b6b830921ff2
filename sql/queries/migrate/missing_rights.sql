-- What the login lacks to migrate and to become our roles, in words; no row: nothing.
with wanted (role_name) as (
  values ('runledger_owner'), ('runledger_ingest'), ('runledger_reader'), ('runledger_operator'), ('runledger_bi')
), roles as (
  select w.role_name, r.oid, r.rolbypassrls, me.rolsuper as is_superuser
  from wanted as w
  left join pg_roles as r on r.rolname = w.role_name
  cross join (select rolsuper from pg_roles where rolname = session_user) as me
)
select format('role %s does not exist', role_name) as missing from roles where oid is null
union all
select format('login %s may not become role %s', session_user, role_name) from roles
where oid is not null and role_name <> 'runledger_bi'
  and not case when current_setting('server_version_num')::int >= 160000
    then pg_has_role(session_user, oid, 'SET') else pg_has_role(session_user, oid, 'MEMBER') end
union all
select format('role %s lacks %s on database %s', role_name, privilege, current_database())
from roles join (values ('runledger_owner', 'CREATE'), ('runledger_ingest', 'TEMPORARY')) as p (role_name, privilege) using (role_name)
where oid is not null and not has_database_privilege(oid, current_database(), privilege)
union all
select format('role %s lacks %s on schema public', role_name, privilege)
from roles join (values
  ('runledger_owner', 'CREATE'), ('runledger_owner', 'USAGE'), ('runledger_ingest', 'USAGE'), ('runledger_reader', 'USAGE'),
  ('runledger_operator', 'USAGE'), ('runledger_bi', 'USAGE')) as p (role_name, privilege) using (role_name)
where oid is not null and not has_schema_privilege(oid, 'public', privilege)
union all
-- Only asked for where it can be given: the quick way in for COPY.
select 'role runledger_ingest lacks BYPASSRLS' from roles where role_name = 'runledger_ingest' and is_superuser and not rolbypassrls;
