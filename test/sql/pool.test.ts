/** Pools and transactions over connections that break, and what comes back from them. */
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPool, type DatabaseRole, inTransaction, retrying } from '../../receiver/store/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { withClient } from '../helpers/seed_tenants.ts';

let database: TestDatabase;
const pools = new Map<DatabaseRole, pg.Pool>();

function poolOf(role: DatabaseRole): pg.Pool {
  const known = pools.get(role);
  if (known !== undefined) return known;
  const pool = createPool({ databaseUrl: database.databaseUrl, role, maxConnections: 2 });
  pools.set(role, pool);
  return pool;
}

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  for (const pool of pools.values()) await pool.end();
  await database.drop();
});

it('a swallowed error is not taken for a commit', async () => {
  await expect(
    inTransaction(poolOf('runledger_owner'), async (client) => {
      await client.query('select 1 / 0').catch(() => undefined);
    }),
  ).rejects.toMatchObject({ code: '25P02' });
});

it('a connection that is killed inside one is reported as lost, and the pool goes on', async () => {
  const pool = poolOf('runledger_owner');
  await expect(
    inTransaction(pool, async (client) => {
      const { rows } = await client.query('select pg_backend_pid() as pid');
      await withClient(database.superuserUrl, (other) => other.query('select pg_terminate_backend($1)', [rows[0].pid]));
      await client.query('select pg_sleep(5)');
    }),
  ).rejects.toMatchObject({ code: expect.stringMatching(/^(57P01|08006|ECONNRESET|EPIPE)$/) });
  expect((await pool.query('select current_user as who')).rows).toEqual([{ who: 'runledger_owner' }]);
});

it('a day comes as it is written, wherever the program runs', async () => {
  const { rows } = await poolOf('runledger_owner').query(
    "select date '2026-11-01' as day, array[date '2026-11-01', null] as days",
  );
  expect(rows).toEqual([{ day: '2026-11-01', days: ['2026-11-01', null] }]);
});

it('int8 comes as a number up to 2^53 and as text beyond, also in arrays', async () => {
  const { rows } = await poolOf('runledger_owner').query(
    'select 9007199254740991::int8 as id, 9007199254740993::int8 as big, array[1::int8, null] as list, 1.50::numeric as money',
  );
  expect(rows).toEqual([{ id: 9007199254740991, big: '9007199254740993', list: [1, null], money: '1.50' }]);
});

it('json and jsonb come with the keys that they were stored with', async () => {
  // Read first, so that Node 24's JSON.parse takes the next object's second key for this one's.
  JSON.parse('{"!q":0,"\\\\\\"":0}');
  const { rows } = await poolOf('runledger_owner').query(
    `select v::json as json, v::jsonb as jsonb from (values ('{"!q": 0, "\\"a": {"\\t": "\\n"}}')) as t (v)`,
  );
  const expected = { '!q': 0, '"a': { '\t': '\n' } };
  expect(rows).toEqual([{ json: expected, jsonb: expected }]);
});

it('idle connections that the server ends are told to the log and replaced, and nothing else happens', async () => {
  const lines: string[] = [];
  const pool = createPool({
    databaseUrl: database.databaseUrl,
    role: 'runledger_ingest',
    maxConnections: 3,
    log: (line) => lines.push(line),
  });
  try {
    await Promise.all([1, 2, 3].map(() => pool.query('select pg_sleep(0.05)')));
    await withClient(database.superuserUrl, (client) =>
      client.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'runledger_ingest' and datname = current_database()",
      ),
    );
    while (lines.length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    expect((await pool.query('select current_user as who')).rows).toEqual([{ who: 'runledger_ingest' }]);
  } finally {
    await pool.end();
  }
});

it('a pool that has no connection to give in time, or was ended, fails with a code that may pass', async () => {
  const pool = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 1 });
  const held = await pool.connect();
  await expect(pool.query('select 1')).rejects.toMatchObject({ code: '08001' });
  await expect(pool.connect()).rejects.toMatchObject({ code: '08001' });
  held.release();
  await pool.end();
  await expect(pool.connect()).rejects.toMatchObject({ code: '08001' });
});

it('a role that the login may not become fails to connect, and never goes on as the login', async () => {
  const role = 'runledger_nobody' as DatabaseRole;
  const pool = createPool({ databaseUrl: database.databaseUrl, role, maxConnections: 1 });
  await expect(pool.query('select current_user')).rejects.toBeInstanceOf(pg.DatabaseError);
  await expect(pool.query('select current_user')).rejects.toBeInstanceOf(pg.DatabaseError);
  await pool.end();
});

it('a read-only transaction cannot write, and a long statement is cut', async () => {
  await expect(
    inTransaction(
      poolOf('runledger_owner'),
      (client) => client.query("insert into runledger.settings values ('a', '1')"),
      {
        readOnly: true,
      },
    ),
  ).rejects.toMatchObject({ code: '25006' });
  const hasty = createPool({
    databaseUrl: database.databaseUrl,
    role: 'runledger_owner',
    maxConnections: 1,
    statementTimeoutMs: 50,
  });
  await expect(hasty.query('select pg_sleep(5)')).rejects.toMatchObject({ code: '57014' });
  await hasty.end();
});

it('retrying tries again for what may pass, and not for what will not', async () => {
  let tries = 0;
  const deadlock = () => Promise.reject(Object.assign(new Error('x'), { code: '40P01' }));
  await expect(retrying(3, () => (++tries < 3 ? deadlock() : Promise.resolve('done')))).resolves.toBe('done');
  expect(tries).toBe(3);
  tries = 0;
  const poison = () => {
    tries++;
    return Promise.reject(Object.assign(new Error('x'), { code: '22001' }));
  };
  await expect(retrying(3, poison)).rejects.toMatchObject({ code: '22001' });
  expect(tries).toBe(1);
});
