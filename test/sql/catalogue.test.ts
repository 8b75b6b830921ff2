/**
 * The catalogue of a migrated database against what each role is meant to have. A new table, grant, policy, function or view that is
 * not written down here or in test/helpers/catalogue_rights.ts fails, so that nothing gets a hole in the walls by habit.
 */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSql } from '../../receiver/store/sql.ts';
import {
  COLUMN_GRANTS,
  POLICIES,
  PUBLIC_VIEWS,
  SHARED,
  TABLE_GRANTS,
  VIEW_GRANTS,
} from '../helpers/catalogue_rights.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { TENANT_TABLES, withClient } from '../helpers/seed_tenants.ts';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  await withClient(database.superuserUrl, (other) => other.query("select runledger.ensure_partition('2026-11-20')"));
  client = new pg.Client({ connectionString: database.superuserUrl });
  client.on('error', () => undefined);
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

async function texts(query: string): Promise<string[]> {
  const { rows } = await client.query<{ text: string }>(query);
  return rows.map((row) => row.text).sort();
}

const OURS = "c.relnamespace in ('public'::regnamespace, 'runledger'::regnamespace)";
const NO_EXTENSION = "not exists (select from pg_depend as d where d.objid = c.oid and d.deptype = 'e')";

describe('row-level security', () => {
  it('is enabled and forced on every table with a tenant, and only those are tables with a tenant', async () => {
    const found = await client.query(`
      select c.oid::regclass::text as name, c.relnamespace::regnamespace::text as schema, c.relrowsecurity, c.relforcerowsecurity
      from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
      where ${OURS} and c.relkind in ('r', 'p') and ${NO_EXTENSION}`);
    const names = found.rows.map((row) => (row.name.includes('.') ? row.name : `public.${row.name}`)).sort();
    expect(names).toEqual([...TENANT_TABLES, 'runledger.events_20261120'].sort());
    for (const row of found.rows) expect(row).toMatchObject({ relrowsecurity: true, relforcerowsecurity: true });
  });

  it('has only the known policies, each for its roles and none for PUBLIC', async () => {
    const { rows } = await client.query(
      'select schemaname || chr(46) || tablename as name, policyname, roles::text[] as roles, permissive, qual, with_check from pg_policies',
    );
    expect(rows.length).toBeGreaterThan(40);
    for (const row of rows) {
      expect(row.permissive).toBe('PERMISSIVE');
      const allowed = POLICIES[row.policyname];
      expect([row.name, row.policyname, allowed]).not.toContain(undefined);
      for (const role of row.roles) expect([row.name, allowed]).toEqual([row.name, expect.arrayContaining([role])]);
    }
    const open = rows.filter((row) => row.qual === 'true').map((row) => row.policyname);
    expect([...new Set(open)].sort()).toEqual(['all_rows', 'owner_all']);
  });

  it('leaves partitions to the owner alone', async () => {
    expect(
      await texts(`select policyname || ' ' || roles::text as text from pg_policies where tablename like 'events%'`),
    ).toEqual(['owner_all {runledger_owner}']);
  });
});

describe('grants', () => {
  it('on tables are the expected ones and no more', async () => {
    const found = await texts(`
      select format('%s.%s %s %s', c.relnamespace::regnamespace, c.relname,
          case when g.grantee = 0 then 'PUBLIC' else replace(g.grantee::regrole::text, 'runledger_', '') end,
          string_agg(case g.privilege_type when 'SELECT' then 'r' when 'INSERT' then 'a' when 'UPDATE' then 'w' when 'DELETE' then 'd'
            else g.privilege_type end, '' order by array_position(array['SELECT', 'INSERT', 'UPDATE', 'DELETE'], g.privilege_type))) as text
      from pg_class as c cross join aclexplode(c.relacl) as g
      where ${OURS} and c.relkind in ('r', 'p') and ${NO_EXTENSION} and g.grantee <> 'runledger_owner'::regrole
      group by c.relnamespace, c.relname, g.grantee`);
    const expected = Object.entries(TABLE_GRANTS).flatMap(([table, roles]) =>
      Object.entries(roles).map(([role, rights]) => `${table} ${role} ${rights}`),
    );
    expect(found).toEqual(expected.sort());
  });

  it('cover every table there is', async () => {
    const tables = await texts(
      `select format('%s.%s', c.relnamespace::regnamespace, c.relname) as text from pg_class as c where ${OURS} and c.relkind in ('r', 'p', 'm', 'f') and ${NO_EXTENSION}`,
    );
    expect(tables).toEqual(Object.keys(TABLE_GRANTS).sort());
  });

  it('on columns are the expected ones and no more', async () => {
    const found = await texts(`
      select format('%s.%s.%s %s %s', c.relnamespace::regnamespace, c.relname, a.attname,
          case when g.grantee = 0 then 'PUBLIC' else replace(g.grantee::regrole::text, 'runledger_', '') end,
          string_agg(case g.privilege_type when 'SELECT' then 'r' when 'INSERT' then 'a' when 'UPDATE' then 'w'
            else g.privilege_type end, '' order by g.privilege_type)) as text
      from pg_class as c join pg_attribute as a on a.attrelid = c.oid cross join aclexplode(a.attacl) as g
      where ${OURS} and a.attacl is not null
      group by c.relnamespace, c.relname, a.attname, g.grantee`);
    expect(found).toEqual(COLUMN_GRANTS);
  });

  it('on views let those look who may, and nobody do more', async () => {
    const found = await texts(`
      select format('%s.%s %s %s', c.relnamespace::regnamespace, c.relname, g.privilege_type,
        coalesce(string_agg(case when g.grantee = 0 then 'PUBLIC' else replace(g.grantee::regrole::text, 'runledger_', '') end, ' '
          order by g.grantee::regrole::text) filter (where g.grantee <> c.relowner), 'nobody')) as text
      from pg_class as c cross join aclexplode(c.relacl) as g
      where ${OURS} and c.relkind = 'v' and ${NO_EXTENSION} and (g.privilege_type = 'SELECT' or g.grantee <> c.relowner)
      group by c.relnamespace, c.relname, g.privilege_type`);
    expect(found).toEqual(
      Object.entries(VIEW_GRANTS)
        .map(([view, roles]) => `${view} SELECT ${roles}`)
        .sort(),
    );
  });

  it('the names of our views are those that a migration looks for before it takes them', async () => {
    const found = await texts(
      `select c.relname::text as text from pg_class as c where c.relnamespace = 'public'::regnamespace and c.relkind = 'v' and ${NO_EXTENSION}`,
    );
    const lookedFor = loadSql('queries/migrate/foreign_relations');
    expect(found).toEqual(PUBLIC_VIEWS);
    for (const view of found) expect([view, lookedFor.includes(`('${view}')`)]).toEqual([view, true]);
  });

  it('on sequences let ingest and operator draw the ids they give', async () => {
    const found = await texts(`
      select format('%s %s %s', c.relname, replace(g.grantee::regrole::text, 'runledger_', ''), g.privilege_type) as text
      from pg_class as c cross join aclexplode(c.relacl) as g
      where ${OURS} and c.relkind = 'S' and g.grantee <> c.relowner`);
    expect(found).toEqual(['run_id_seq ingest USAGE', 'tenant_id_seq ingest USAGE', 'tenant_id_seq operator USAGE']);
  });

  it('come from no default privileges, and schema runledger is not open to PUBLIC or BI', async () => {
    expect(await texts('select defaclrole::regrole::text as text from pg_default_acl')).toEqual([]);
    const schema = await texts(`
      select format('%s %s', case when g.grantee = 0 then 'PUBLIC' else g.grantee::regrole::text end, g.privilege_type) as text
      from pg_namespace as n cross join aclexplode(n.nspacl) as g where n.nspname = 'runledger' and g.grantee <> n.nspowner`);
    expect(schema).toEqual(['runledger_ingest USAGE', 'runledger_operator USAGE', 'runledger_reader USAGE']);
  });
});

describe('functions, views, keys', () => {
  it('every function runs with the rights of its caller or fixes its search_path, and PUBLIC may call none', async () => {
    const { rows } = await client.query(`
      select p.oid::regprocedure::text as name, p.prosecdef, coalesce(p.proconfig, '{}') as config,
        has_function_privilege('public', p.oid, 'EXECUTE') as is_public, p.proowner::regrole::text as owner
      from pg_proc as p
      where p.pronamespace in ('public'::regnamespace, 'runledger'::regnamespace)
        and not exists (select from pg_depend as d where d.objid = p.oid and d.deptype = 'e')`);
    expect(rows.length).toBeGreaterThanOrEqual(6);
    for (const row of rows) {
      expect([row.name, row.is_public, row.owner]).toEqual([row.name, false, 'runledger_owner']);
      if (row.prosecdef) expect([row.name, row.config]).toEqual([row.name, ['search_path=pg_catalog, pg_temp']]);
    }
  });

  it('who may call what', async () => {
    const found = await texts(`
      select format('%s %s', p.proname, replace(g.grantee::regrole::text, 'runledger_', '')) as text
      from pg_proc as p cross join aclexplode(p.proacl) as g
      where p.pronamespace = 'runledger'::regnamespace and p.prosecdef and g.grantee <> p.proowner`);
    expect(found).toEqual([
      'ensure_partition ingest',
      'ensure_partitions ingest',
      'find_token ingest',
      'find_token operator',
      'forget_sign_ins operator',
      'login_tenant bi',
      'mark_token_used ingest',
      'mark_token_used operator',
      'seed_token operator',
    ]);
  });

  it('every view looks with the eyes of its caller', async () => {
    const blind = await texts(`
      select c.oid::regclass::text as text from pg_class as c
      where ${OURS} and c.relkind = 'v' and ${NO_EXTENSION}
        and not coalesce('security_invoker=true' = any (c.reloptions) or 'security_invoker=on' = any (c.reloptions), false)`);
    expect(blind).toEqual([]);
  });

  it('no triggers, no foreign keys, no rules', async () => {
    expect(await texts('select tgname::text as text from pg_trigger where not tgisinternal')).toEqual([]);
    expect(await texts("select conname::text as text from pg_constraint where contype = 'f'")).toEqual([]);
    expect(
      await texts(`select r.rulename::text as text from pg_rewrite as r join pg_class as c on c.oid = r.ev_class
        where ${OURS} and r.rulename <> '_RETURN'`),
    ).toEqual([]);
  });

  it('every key of a shared table contains a tenant that is never null', async () => {
    const { rows } = await client.query(`
      select format('%s.%s', c.relnamespace::regnamespace, c.relname) as name, i.indexrelid::regclass::text as index,
        a.attnotnull, a.attnum = any (i.indkey::int2[]) as has_tenant, i.indisprimary
      from pg_index as i join pg_class as c on c.oid = i.indrelid
      join pg_attribute as a on a.attrelid = c.oid and a.attname = 'tenant_id'
      where ${OURS} and i.indisunique`);
    const shared = rows.filter((row) => SHARED.includes(row.name));
    for (const row of shared) expect([row.index, row.has_tenant, row.attnotnull]).toEqual([row.index, true, true]);
    const withPrimaryKey = shared.filter((row) => row.indisprimary).map((row) => row.name);
    expect(withPrimaryKey.sort()).toEqual([...SHARED].sort());
  });

  it('everything belongs to runledger_owner, and no role of ours may log in or is more than it should', async () => {
    const foreign = await texts(
      `select c.oid::regclass::text as text from pg_class as c where ${OURS} and ${NO_EXTENSION} and c.relowner <> 'runledger_owner'::regrole`,
    );
    expect(foreign).toEqual([]);
    const { rows } = await client.query(`
      select rolname, rolsuper, rolcanlogin, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls from pg_roles
      where rolname in ('runledger_owner', 'runledger_ingest', 'runledger_reader', 'runledger_operator', 'runledger_bi')`);
    expect(rows).toHaveLength(5);
    for (const { rolname, rolbypassrls, ...rights } of rows) {
      expect([rolname, Object.values(rights)]).toEqual([rolname, [false, false, false, false, false]]);
      if (rolname !== 'runledger_ingest') expect([rolname, rolbypassrls]).toEqual([rolname, false]);
    }
    expect(
      await texts(`select format('%s in %s', m.member::regrole, m.roleid::regrole) as text from pg_auth_members as m
        where m.member::regrole::text ~ '^runledger_(owner|ingest|reader|operator|bi)$'`),
    ).toEqual([]);
  });
});
