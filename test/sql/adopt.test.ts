/** An enrichment_runs that an application had first: it is adopted only when asked for, and the application notices nothing. */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  AdministratorNeededError,
  ForeignTableError,
  migrate,
  pendingMigrations,
} from '../../receiver/store/migrate.ts';
import { createPool, type DatabaseRole, inTenant } from '../../receiver/store/pool.ts';
import { createEmptyDatabase, type TestDatabase } from '../helpers/database.ts';
import { asLogin, withClient } from '../helpers/seed_tenants.ts';

let database: TestDatabase;
const suffix = randomBytes(4).toString('hex');
const app = `app_owner_${suffix}`;
const worker = `app_worker_${suffix}`;
const late = `app_late_${suffix}`;
const bi = `runledger_bi_9_${suffix}`;
const password = randomBytes(9).toString('hex');
const databases: TestDatabase[] = [];

const asAdmin = <T>(work: (client: pg.Client) => Promise<T>) => withClient(database.superuserUrl, work);
const as = <T>(login: string, work: (client: pg.Client) => Promise<T>) =>
  withClient(asLogin(database.databaseUrl, login, password), work);

const TABLE = `create table public.enrichment_runs (
  run_id bigserial primary key,
  tenant_id int not null,
  started_at timestamptz default now(),
  ended_at timestamptz,
  status text not null default 'running',
  batch_name text
)`;

beforeAll(async () => {
  const first = await createEmptyDatabase();
  databases.push(first);
  await withClient(first.superuserUrl, async (client) => {
    for (const role of [app, worker, late, bi]) await client.query(`create role ${role} login password '${password}'`);
  });
});

beforeEach(async () => {
  database = await createEmptyDatabase();
  databases.push(database);
  await asAdmin((client) => client.query(`grant create on schema public to ${app}`));
});

afterAll(async () => {
  const first = databases[0];
  if (first === undefined) return;
  for (const used of databases.slice(1)) await used.drop();
  await withClient(first.superuserUrl, (client) => client.query(`drop role ${app}, ${worker}, ${late}, ${bi}`));
  await first.drop();
});

async function makeTable(sql = TABLE): Promise<void> {
  await as(app, async (client) => {
    await client.query(sql);
    await client.query('insert into public.enrichment_runs (tenant_id) values (7), (8), (7)');
    await client.query(`grant select, insert, update on public.enrichment_runs to ${worker}`);
    await client.query(`grant usage on all sequences in schema public to ${worker}`);
  });
}

async function asRole<T>(role: DatabaseRole, work: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const pool = createPool({ databaseUrl: database.databaseUrl, role, maxConnections: 1 });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

/** Everything of the table that the application made. */
async function shapeOfOld(): Promise<unknown> {
  return asAdmin(async (client) => {
    const { rows } = await client.query(`
      select pg_get_userbyid(relowner) as owner, pg_get_constraintdef(k.oid) as key,
        (select array_agg(g::text order by g::text) from unnest(relacl) as g where g::text !~ '^runledger_') as grants,
        (select array_agg(format('%s %s %s %s', attname, atttypid::regtype, attnotnull, pg_get_expr(adbin, adrelid)) order by attnum)
         from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
         where attrelid = c.oid and attnum between 1 and 6) as columns,
        (select array_agg(format('%s %s %s %s', run_id, tenant_id, started_at, status) order by run_id) from public.enrichment_runs) as rows
      from pg_class as c join pg_constraint as k on k.conrelid = c.oid and k.contype = 'p'
      where c.oid = 'public.enrichment_runs'::regclass`);
    return rows[0];
  });
}

describe('adoption', () => {
  it('is not done unasked, and the message says how to ask', async () => {
    await makeTable();
    const before = await shapeOfOld();
    const error = await migrate({ databaseUrl: database.databaseUrl }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ForeignTableError);
    expect(String(error)).toContain('runledger migrate --adopt');
    expect(await shapeOfOld()).toEqual(before);
    const { rowCount } = await asAdmin((client) =>
      client.query("select from pg_namespace where nspname = 'runledger'"),
    );
    expect(rowCount).toBe(0);
  });

  it('keeps key, rows, columns, owner and grants, and happens once however many start', async () => {
    await makeTable();
    const before = await shapeOfOld();
    const results = await Promise.all([1, 2, 3].map(() => migrate({ databaseUrl: database.databaseUrl, adopt: true })));
    expect(results.filter((result) => result.applied.length > 0)).toHaveLength(1);
    expect(await shapeOfOld()).toEqual(before);
    expect(await pendingMigrations(database.databaseUrl)).toEqual([]);
    expect(await migrate({ databaseUrl: database.databaseUrl })).toEqual({ applied: [] });
    const { rows } = await asAdmin((client) =>
      client.query(`select (select value from runledger.settings where name = 'adopted') as adopted, relrowsecurity, relforcerowsecurity
        from pg_class where oid = 'public.enrichment_runs'::regclass`),
    );
    expect(rows).toEqual([{ adopted: true, relrowsecurity: true, relforcerowsecurity: false }]);
  });

  it('has the columns and keys of a table that Runledger made itself', async () => {
    await makeTable();
    await migrate({ databaseUrl: database.databaseUrl, adopt: true });
    const columns = `select attname::text || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull || ' ' || attcollation
        || ' ' || coalesce(pg_get_expr(adbin, adrelid), '') || attgenerated::text as text
      from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
      where attrelid = 'public.enrichment_runs'::regclass and attnum > 0 order by 1`;
    const adopted = (await asAdmin((client) => client.query<{ text: string }>(columns))).rows.map((row) => row.text);
    const own = await createEmptyDatabase();
    databases.push(own);
    await migrate({ databaseUrl: own.databaseUrl });
    const made = (await withClient(own.superuserUrl, (client) => client.query<{ text: string }>(columns))).rows.map(
      (row) => row.text,
    );
    const theirs = /^(batch_name|run_id|started_at) /;
    expect(adopted.filter((text) => !theirs.test(text))).toEqual(made.filter((text) => !theirs.test(text)));
    await asRole('runledger_ingest', async (pool) => {
      for (const key of ['run_id', 'run_key']) {
        const { rowCount } = await pool.query(
          `insert into public.enrichment_runs (run_id, tenant_id, run_key, pipeline) values (4503599627370496, 7, 'k', 'p')
           on conflict (tenant_id, ${key}) do update set pipeline = excluded.pipeline`,
        );
        expect(rowCount).toBe(1);
      }
    });
  });

  it("lets the application's owner, its other roles and roles it grants later go on as before", async () => {
    await makeTable();
    await migrate({ databaseUrl: database.databaseUrl, adopt: true });
    for (const login of [app, worker]) {
      await as(login, async (client) => {
        const inserted = await client.query(
          'insert into public.enrichment_runs (tenant_id) values (9) returning run_id',
        );
        expect(inserted.rows[0].run_id).toMatch(/^[1-9][0-9]?$/);
        expect(
          (await client.query("update public.enrichment_runs set status = 'done' where tenant_id = 8")).rowCount,
        ).toBe(1);
        expect((await client.query('select distinct tenant_id from public.enrichment_runs order by 1')).rows).toEqual([
          { tenant_id: 7 },
          { tenant_id: 8 },
          { tenant_id: 9 },
        ]);
      });
    }
    await as(app, (client) => client.query(`grant select on public.enrichment_runs to ${late}`));
    expect((await as(late, (client) => client.query('select * from public.enrichment_runs'))).rowCount).toBe(5);
    await as(app, (client) =>
      client.query('delete from public.enrichment_runs; alter table public.enrichment_runs add column more int'),
    );
  });

  it('keeps the walls for readers and BI logins', async () => {
    await makeTable();
    await migrate({ databaseUrl: database.databaseUrl, adopt: true });
    await asRole('runledger_reader', async (pool) => {
      expect((await pool.query('select * from public.enrichment_runs')).rowCount).toBe(0);
      const own = await inTenant(pool, 8, (client) =>
        client.query('select run_id, tenant_id from public.enrichment_runs'),
      );
      expect(own.rows).toEqual([{ run_id: 2, tenant_id: 8 }]);
    });
    await asAdmin(async (client) => {
      await client.query(`grant runledger_bi to ${bi}`);
      await client.query('insert into runledger.tenants (tenant_id) values (8)');
      await client.query('insert into runledger.bi_logins values ($1, 8)', [bi]);
    });
    await as(bi, async (client) => {
      await client.query("set app.tenant_id = '7'");
      expect((await client.query('select tenant_id from public.enrichment_runs')).rows).toEqual([{ tenant_id: 8 }]);
    });
    for (const role of ['runledger_ingest', 'runledger_operator', 'runledger_owner'] as const) {
      expect(
        await asRole(role, async (pool) => (await pool.query('select * from public.enrichment_runs')).rowCount),
      ).toBe(3);
    }
  });

  it("leaves an application's own policies as strict as they were", async () => {
    await makeTable();
    await as(app, (client) =>
      client.query(`alter table public.enrichment_runs enable row level security;
        create policy theirs on public.enrichment_runs to ${worker} using (tenant_id = 7)`),
    );
    await migrate({ databaseUrl: database.databaseUrl, adopt: true });
    expect((await as(worker, (client) => client.query('select * from public.enrichment_runs'))).rowCount).toBe(2);
  });

  it("works for a login that is the table's owner and no superuser, once the roles are there", async () => {
    await makeTable();
    const databaseUrl = asLogin(database.databaseUrl, app, password);
    const error = await migrate({ databaseUrl, adopt: true }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AdministratorNeededError);
    if (!(error instanceof AdministratorNeededError)) return;
    await asAdmin((client) => client.query(error.sql));
    expect((await migrate({ databaseUrl, adopt: true })).applied).toContain('0001_tables');
    expect((await as(app, (client) => client.query('select pipeline from public.enrichment_runs'))).rowCount).toBe(3);
    const { rows } = await asAdmin((client) =>
      client.query("select nspacl::text as grants from pg_namespace where nspname = 'runledger'"),
    );
    expect(rows[0].grants).not.toContain(app);
    await asAdmin((client) =>
      client.query(`revoke runledger_owner, runledger_ingest, runledger_reader, runledger_operator from ${app}`),
    );
  });

  it('is refused to a login without the rights of its owner, before anything is changed', async () => {
    await makeTable();
    const before = await shapeOfOld();
    const error = await migrate({ databaseUrl: asLogin(database.databaseUrl, worker, password), adopt: true }).catch(
      (reason: unknown) => reason,
    );
    expect(String(error)).toContain(`rights of ${app}`);
    expect(await shapeOfOld()).toEqual(before);
  });

  it.each([
    ['a tenant that may be null', TABLE.replace('tenant_id int not null', 'tenant_id int'), 'set not null'],
    [
      'ids that the table insists on giving',
      TABLE.replace('bigserial', 'bigint generated always as identity'),
      'set generated by default',
    ],
    ['ids too small for ours', TABLE.replace('bigserial', 'serial'), 'alter column run_id type bigint'],
    [
      'a status that is no text',
      `create type s as enum ('running'); ${TABLE.replace('status text', 'status s')}`,
      'alter column status type text',
    ],
    [
      'a column of our name with another meaning',
      TABLE.replace('batch_name', 'pipeline int, batch_name'),
      'rename column pipeline to pipeline_own',
    ],
    [
      'a check that knows other states',
      TABLE.replace('batch_name', "check (status in ('running', 'done')), batch_name"),
      'widen the check',
    ],
    [
      'a column that must be given',
      TABLE.replace('batch_name text', 'batch_name text not null'),
      'Give the column a default',
    ],
  ])('is refused for %s, with the command that helps', async (_, sql, advice) => {
    await as(app, (client) => client.query(sql));
    const error = await migrate({ databaseUrl: database.databaseUrl, adopt: true }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ForeignTableError);
    expect(String(error)).toContain(advice);
    expect(await pendingMigrations(database.databaseUrl)).toContain('0001_tables');
    const { rows } = await asAdmin((client) =>
      client.query(
        "select count(*)::int as n from pg_attribute where attrelid = 'public.enrichment_runs'::regclass and attname = 'run_key'",
      ),
    );
    expect(rows).toEqual([{ n: 0 }]);
    const left = await asAdmin((client) => client.query('select * from public.enrichment_runs'));
    expect(left.rowCount).toBe(0);
  });
});
