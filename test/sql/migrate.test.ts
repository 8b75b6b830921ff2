/** Migration under the conditions it meets: several starts at once, logins with few rights, tables that were there before. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedPostgres, startEmbedded } from '../../receiver/embedded/start.ts';
import {
  AdministratorNeededError,
  ForeignTableError,
  migrate,
  pendingMigrations,
} from '../../receiver/store/migrate.ts';
import { createPool, type DatabaseRole, inTenant } from '../../receiver/store/pool.ts';
import { findBrokenWall } from '../../receiver/store/walls.ts';
import { createEmptyDatabase, type TestDatabase } from '../helpers/database.ts';
import { onDatabase } from '../helpers/database_admin.ts';
import { asLogin, withClient } from '../helpers/seed_tenants.ts';

const ROLES: readonly DatabaseRole[] = [
  'runledger_owner',
  'runledger_ingest',
  'runledger_reader',
  'runledger_operator',
];

async function failure(work: Promise<unknown>): Promise<Error> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('it did not fail');
  return error;
}

async function schemaExists(url: string): Promise<boolean> {
  return withClient(url, async (client) => {
    const { rowCount } = await client.query("select from pg_namespace where nspname = 'runledger'");
    return rowCount === 1;
  });
}

describe('a database of its own', () => {
  let database: TestDatabase;
  const databases: TestDatabase[] = [];
  const fresh = async () => {
    database = await createEmptyDatabase();
    databases.push(database);
    return database.databaseUrl;
  };
  afterEach(async () => {
    for (const used of databases.splice(0)) await used.drop();
  });

  it('four starts at once apply each migration once, and a fifth has nothing to do', async () => {
    const databaseUrl = await fresh();
    const pending = await pendingMigrations(databaseUrl);
    expect(pending).toEqual(expect.arrayContaining(['0001_tables', '0002_walls', 'functions/ensure_partition']));
    const results = await Promise.all([1, 2, 3, 4].map(() => migrate({ databaseUrl })));
    expect(results.flatMap((result) => result.applied).sort()).toEqual([...pending].sort());
    expect(await pendingMigrations(databaseUrl)).toEqual([]);
    expect(await migrate({ databaseUrl })).toEqual({ applied: [] });
  });

  it('a function whose text changed is applied again, a changed migration is said aloud', async () => {
    const databaseUrl = await fresh();
    await migrate({ databaseUrl });
    await withClient(databaseUrl, async (client) => {
      await client.query(
        "update runledger.applied_files set sha256 = 'old' where path in ('functions/find_token', 'migrations/0002_walls')",
      );
      await client.query('drop function runledger.find_token(bytea)');
    });
    expect(await pendingMigrations(databaseUrl)).toEqual(['functions/find_token']);
    const lines: string[] = [];
    expect(await migrate({ databaseUrl, log: (line) => lines.push(line) })).toEqual({
      applied: ['functions/find_token'],
    });
    expect(lines.join()).toMatch(/Warning: sql\/migrations\/0002_walls\.sql was changed/);
    await withClient(databaseUrl, (client) => client.query("select runledger.find_token('x')"));
  });

  it('tables of our names stop it with commands that, run as they are, clear the way and keep the rows', async () => {
    const databaseUrl = await fresh();
    await withClient(databaseUrl, (client) =>
      client.query(`create table run_stage_stats (id int primary key); insert into run_stage_stats values (5);
        create view qa_samples as select 1 as one; create table enrichment_runs (id int, run_id bigint, primary key (id, run_id))`),
    );
    const error = await failure(migrate({ databaseUrl, adopt: true }));
    expect(error).toBeInstanceOf(ForeignTableError);
    expect(error.message).toContain('its primary key is not (run_id)');
    expect(await schemaExists(databaseUrl)).toBe(false);
    const commands = error.message.split('\n').filter((line) => line.startsWith('alter '));
    await withClient(databaseUrl, async (client) => {
      for (const command of commands) await client.query(command);
    });
    expect((await migrate({ databaseUrl })).applied).toContain('0001_tables');
    const { rows } = await withClient(databaseUrl, (client) =>
      client.query('select * from run_stage_stats_before_runledger'),
    );
    expect(rows).toEqual([{ id: 5 }]);
  });

  it("somebody else's schema runledger is left alone", async () => {
    const databaseUrl = await fresh();
    await withClient(databaseUrl, (client) =>
      client.query('create schema runledger; create table runledger.theirs (a int)'),
    );
    expect((await failure(migrate({ databaseUrl }))).message).toContain('alter schema runledger rename to');
    await withClient(databaseUrl, (client) => client.query('alter schema runledger rename to runledger_before'));
    expect((await migrate({ databaseUrl })).applied).toContain('0001_tables');
  });

  it('a server that is not there is an error with a code, not a hang', async () => {
    const error = await failure(migrate({ databaseUrl: 'postgres://nobody@127.0.0.1:1/none' }));
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
  });
});

/** A cluster that has none of our roles yet, which the tests' shared one always has. */
describe('a new cluster', () => {
  let server: EmbeddedPostgres;
  let folder: string;
  const password = randomBytes(9).toString('hex');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runledger-test-'));
    const settings = { fsync: 'off', shared_buffers: '32MB' };
    server = await startEmbedded({ dataDir: folder, log: () => undefined, settings });
  });

  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const asAdmin = <T>(work: (client: pg.Client) => Promise<T>, name = 'runledger') =>
    withClient(onDatabase(server.databaseUrl, name), work);

  async function makeDatabase(name: string, login: string, rights: string): Promise<string> {
    await asAdmin(async (client) => {
      await client.query(`create role ${login} login password '${password}' ${rights}`);
      await client.query(`create database ${name} owner ${login}`);
    });
    return asLogin(onDatabase(server.databaseUrl, name), login, password);
  }

  async function whoIsWho(databaseUrl: string): Promise<void> {
    for (const role of ROLES) {
      const pool = createPool({ databaseUrl, role, maxConnections: 1 });
      try {
        const { rows } = await pool.query(
          "select current_user as who, current_setting('statement_timeout') as s, current_setting('lock_timeout') as l, current_setting('timezone') as z, current_setting('search_path') as p",
        );
        expect(rows).toEqual([{ who: role, s: '8s', l: '3s', z: 'UTC', p: 'public, pg_temp' }]);
        if (role === 'runledger_reader') expect(await findBrokenWall(pool)).toBeNull();
      } finally {
        await pool.end();
      }
    }
  }

  async function dropRoles(databases: readonly string[]): Promise<void> {
    for (const name of databases) await asAdmin((client) => client.query(`drop database ${name} with (force)`));
    await asAdmin(async (client) => {
      await client.query(
        'drop role runledger_owner, runledger_ingest, runledger_reader, runledger_operator, runledger_bi',
      );
    });
  }

  it('a login that may create roles but is no superuser sets everything up by itself', async () => {
    const databaseUrl = await makeDatabase('maker', 'maker', 'createrole');
    expect((await migrate({ databaseUrl })).applied).toContain('0002_walls');
    await whoIsWho(databaseUrl);
    expect(await migrate({ databaseUrl })).toEqual({ applied: [] });
    const { rows } = await asAdmin((client) =>
      client.query("select rolbypassrls from pg_roles where rolname = 'runledger_ingest'"),
    );
    expect(rows).toEqual([{ rolbypassrls: false }]);

    // Without BYPASSRLS ingest writes under its policy.
    const ingest = createPool({ databaseUrl, role: 'runledger_ingest', maxConnections: 1 });
    const reader = createPool({ databaseUrl, role: 'runledger_reader', maxConnections: 1 });
    try {
      await ingest.query("insert into public.run_metrics (run_id, tenant_id, name) values (1, 7, 'm'), (1, 8, 'm')");
      await ingest.query('create temp table incoming (a int); drop table incoming');
      const seen = await inTenant(reader, 7, (client) => client.query('select tenant_id from public.run_metrics'));
      expect(seen.rows).toEqual([{ tenant_id: 7 }]);
    } finally {
      await ingest.end();
      await reader.end();
    }

    // Roles that another login made are not its to give, so the second such login needs the administrator.
    const second = await makeDatabase('second', 'second', 'createrole');
    const error = await failure(migrate({ databaseUrl: second }));
    expect(error).toBeInstanceOf(AdministratorNeededError);
    if (!(error instanceof AdministratorNeededError)) return;
    await asAdmin((client) => client.query(error.sql), 'second');
    expect((await migrate({ databaseUrl: second })).applied).toContain('0002_walls');
    await whoIsWho(second);
    await dropRoles(['maker', 'second']);
  });

  it('a login with no rights gets the whole SQL, which works as printed, only in its database, and repeatedly', async () => {
    const login = 'o"brien\'s app';
    await asAdmin(async (client) => {
      await client.query(`create role "o""brien's app" login password '${password}'`);
      await client.query('create database plain');
    });
    const databaseUrl = asLogin(onDatabase(server.databaseUrl, 'plain'), login, password);
    const error = await failure(migrate({ databaseUrl }));
    expect(error).toBeInstanceOf(AdministratorNeededError);
    if (!(error instanceof AdministratorNeededError)) return;
    expect(error.message).toContain(error.sql);
    expect(error.message).toContain('role runledger_owner does not exist');
    expect(error.message).not.toContain(password);
    expect(await schemaExists(databaseUrl)).toBe(false);

    await expect(asAdmin((client) => client.query(error.sql))).rejects.toMatchObject({
      message: 'this is database runledger',
    });
    await asAdmin((client) => client.query(error.sql), 'plain');
    await asAdmin((client) => client.query(error.sql), 'plain');
    expect((await migrate({ databaseUrl })).applied).toContain('0002_walls');
    await whoIsWho(databaseUrl);
    // The login itself inherits nothing: it must become a role to see anything.
    await withClient(databaseUrl, async (client) => {
      await expect(client.query('select * from public.enrichment_runs')).rejects.toMatchObject({ code: '42501' });
    });
    await dropRoles(['plain']);
  });

  it('two databases of one cluster, two starts each, set up at the same time', async () => {
    const urls = await Promise.all(
      ['left', 'right'].map(async (name) => {
        await asAdmin((client) => client.query(`create database side_${name}`));
        return onDatabase(server.databaseUrl, `side_${name}`);
      }),
    );
    await Promise.all([...urls, ...urls].map((databaseUrl) => migrate({ databaseUrl })));
    for (const databaseUrl of urls) expect(await pendingMigrations(databaseUrl)).toEqual([]);
    const { rows } = await asAdmin((client) =>
      client.query("select rolbypassrls from pg_roles where rolname = 'runledger_ingest'"),
    );
    expect(rows).toEqual([{ rolbypassrls: true }]);
    await dropRoles(['side_left', 'side_right']);
  });
});
