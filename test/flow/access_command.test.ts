/**
 * `runledger token rotate`, `tenant erase` and `tenant sql-login` as child processes beside a receiver that runs: what they print and where, what
 * they exit with, and that a secret is printed once and is nowhere else.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPool } from '../../receiver/store/pool.ts';
import { CLI_PROGRAM } from '../helpers/cli_program.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { withClient } from '../helpers/database_admin.ts';
import { postTraces, runSpanJson, startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';
import { asLogin } from '../helpers/seed_tenants.ts';

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

const TENANT = 7;
const OTHER = 8;
const suffix = randomBytes(4).toString('hex');
const LOGIN = `runledger_bi_cmd_${suffix}`;
const TOKEN = /^rlt_[\w-]{20,}\n$/;

let database: TestDatabase;
let receiver: TestReceiver;
let owner: Pool;
let folder: string;
/** A login that may be every role of ours and make none. */
let plainUrl: string;
/** Every secret that a command printed. */
const secrets: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'runledger-access-'));
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 2 });
  receiver = await startTestReceiver(database.databaseUrl);
  for (const [number, tenant] of [TENANT, OTHER].entries()) {
    expect((await postTraces(receiver, runSpanJson(tenant, `acme-night-${tenant}`, number + 1))).status).toBe(200);
  }
  const plain = `rl_plain_cmd_${suffix}`;
  await withClient(database.superuserUrl, (client) =>
    client.query(`create role ${plain} login password 'x'; grant runledger_owner, runledger_operator to ${plain}`),
  );
  plainUrl = asLogin(database.databaseUrl, plain, 'x');
}, 120_000);
afterAll(async () => {
  await withClient(database.superuserUrl, async (client) => {
    const { rows } = await client.query('select rolname from pg_roles where rolname like $1', [`%${suffix}`]);
    for (const { rolname } of rows) await client.query(`drop owned by ${rolname}; drop role ${rolname}`);
  });
  await receiver.close();
  await owner.end();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

function runledger(args: string[], databaseUrl = database.databaseUrl): Promise<Outcome> {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, DATABASE_URL: databaseUrl, RUNLEDGER_DATA_DIR: folder };
  return new Promise((resolve) => {
    execFile(process.execPath, [...CLI_PROGRAM, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr }),
    );
  });
}

/** Refused: nothing on stdout, one reason on stderr. */
async function refused(args: string[], code: number, words: string | RegExp): Promise<void> {
  const outcome = await runledger(args);
  expect([args, outcome.code, outcome.stdout]).toEqual([args, code, '']);
  expect(outcome.stderr).toMatch(words);
}

const statusOf = async (token: string) =>
  (await fetch(`${receiver.urls.api}/me`, { headers: { Authorization: `Bearer ${token}` } })).status;

async function expectKeptNowhere(): Promise<void> {
  const { rows } = await owner.query<{ line: string }>(
    'select a::text as line from runledger.acts a union all select t::text from runledger.tokens t',
  );
  const log = JSON.stringify(receiver.logged);
  expect(secrets.length).toBeGreaterThan(0);
  for (const secret of secrets) {
    expect(rows.some(({ line }) => line.includes(secret))).toBe(false);
    expect(log.includes(secret)).toBe(false);
  }
}

describe('token rotate', () => {
  const create = async () => {
    const made = await runledger(['token', 'create', '--kind', 'tenant', '--tenant', String(TENANT), '--json']);
    const { token, token_id } = JSON.parse(made.stdout) as { token: string; token_id: number };
    expect(await statusOf(token)).toBe(200);
    return { token, id: String(token_id) };
  };

  it('prints the new token alone, which works at once, and the old one soon works no more', async () => {
    const old = await create();
    const made = await runledger(['token', 'rotate', old.id]);
    expect(made).toEqual({ code: 0, stdout: expect.stringMatching(TOKEN), stderr: '' });
    const fresh = made.stdout.trim();
    secrets.push(old.token, fresh);
    expect(fresh).not.toBe(old.token);
    expect(await statusOf(fresh)).toBe(200);
    // Within 5 s on a machine that is not busy.
    await vi.waitFor(async () => expect(await statusOf(old.token)).toBe(401), { timeout: 60_000, interval: 250 });
    expect(await statusOf(fresh)).toBe(200);
    await refused(['token', 'rotate', old.id], 1, /has expired or was revoked/);
    const list = await runledger(['token', 'list', '--json']);
    for (const secret of secrets) expect(list.stdout).not.toContain(secret);
  }, 120_000);

  it('as JSON says what it is, and lets the old one work for the grace', async () => {
    const old = await create();
    const made = await runledger(['token', 'rotate', old.id, '--grace', '60', '--json']);
    expect([made.code, made.stderr]).toEqual([0, '']);
    const answer = JSON.parse(made.stdout);
    expect(answer).toEqual({
      token: expect.stringMatching(/^rlt_/),
      token_id: expect.any(Number),
      kind: 'tenant',
      tenant_id: TENANT,
      name: expect.any(String),
      scopes: expect.arrayContaining(['write', 'read']),
      expires_at: null,
    });
    secrets.push(old.token, answer.token);
    expect([await statusOf(answer.token), await statusOf(old.token)]).toEqual([200, 200]);
    const { rows } = await owner.query('select expires_at > now() as holds from runledger.tokens where token_id = $1', [
      old.id,
    ]);
    expect(rows).toEqual([{ holds: true }]);
    await expectKeptNowhere();
  }, 120_000);

  it.each([
    [['token', 'rotate'], 2, /missing required argument/],
    [['token', 'rotate', 'mine'], 2, /The id of a token/],
    [['token', 'rotate', '1', '--grace', 'long'], 2, /The grace in minutes/],
    [['token', 'rotate', '1', '--grace', '999999'], 2, /The grace in minutes/],
    [['token', 'rotate', '999999'], 1, /There is no token 999999/],
  ])('%j exits with %i', async (args, code, words) => refused(args, code, words), 60_000);
});

describe('tenant sql-login', () => {
  const make = ['tenant', 'sql-login', String(TENANT), '--login', LOGIN];
  const seenBy = (url: string) =>
    withClient(url, async (client) => (await client.query('select distinct tenant_id from runs')).rows);

  it('prints the address alone, which reads the tenant; made again, the former password holds no more', async () => {
    const made = await runledger(make);
    expect([made.code, made.stderr]).toEqual([0, '']);
    const url = new URL(made.stdout.trim());
    expect(made.stdout.trim().split('\n')).toHaveLength(1);
    expect(url.username).toBe(LOGIN);
    secrets.push(url.password);
    expect(await seenBy(url.href)).toEqual([{ tenant_id: TENANT }]);

    const again = await runledger([...make, '--connections', '2', '--json']);
    const answer = JSON.parse(again.stdout) as { url: string; password: string };
    expect(answer).toEqual({
      login: LOGIN,
      password: expect.any(String),
      url: expect.stringContaining(LOGIN),
      tenant_id: TENANT,
    });
    secrets.push(answer.password);
    expect(await seenBy(answer.url)).toEqual([{ tenant_id: TENANT }]);
    await expect(seenBy(url.href)).rejects.toMatchObject({ code: '28P01' });
    await expectKeptNowhere();

    expect((await runledger(['tenant', 'disable', String(TENANT)])).stdout).toContain('is disabled');
    expect(await seenBy(answer.url)).toEqual([]);
    expect((await runledger(['tenant', 'enable', String(TENANT)])).code).toBe(0);
    expect(await seenBy(answer.url)).toEqual([{ tenant_id: TENANT }]);

    const dropped = await runledger([...make, '--drop', '--json']);
    expect(JSON.parse(dropped.stdout)).toEqual({ login: LOGIN, tenant_id: TENANT, dropped: true });
    await expect(seenBy(answer.url)).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
    await refused([...make, '--drop'], 1, /has no BI login/);
  }, 180_000);

  it('where roles may not be made, prints the SQL for an administrator and no password, and changes nothing', async () => {
    const outcome = await runledger(make, plainUrl);
    expect([outcome.code, outcome.stdout]).toEqual([1, '']);
    expect(outcome.stderr).toContain('Let an administrator');
    expect(outcome.stderr).toContain(`create role ${LOGIN}`);
    expect(outcome.stderr).toContain("'CHOOSE ONE'");
    const { rows } = await owner.query('select login_name from runledger.bi_logins');
    expect(rows).toEqual([]);
  }, 60_000);

  it.each([
    [['tenant', 'sql-login'], 2, /missing required argument/],
    [['tenant', 'sql-login', '999'], 1, /There is no tenant 999/],
    [['tenant', 'sql-login', 'Not A Name'], 2, /tenant/],
    [['tenant', 'sql-login', String(TENANT), '--login', 'postgres'], 2, /begins with runledger_bi_/],
    [['tenant', 'sql-login', String(TENANT), '--connections', 'many'], 2, /The number of connections/],
  ])('%j exits with %i', async (args, code, words) => refused(args, code, words), 60_000);
});

describe('tenant erase', () => {
  const runKeys = async () =>
    (await owner.query('select run_key from enrichment_runs where tenant_id = $1', [TENANT])).rows.map(
      ({ run_key }) => run_key,
    );

  it('needs --yes, and a tenant that is disabled', async () => {
    await refused(['tenant', 'erase', String(TENANT)], 2, /Add --yes/);
    await refused(['tenant', 'erase', String(TENANT), '--yes'], 2, /is active; disable it first/);
    await refused(['tenant', 'erase', 'nobody', '--yes'], 1, /There is no tenant nobody/);
    await refused(['tenant', 'erase', '--yes'], 2, /missing required argument/);
    expect(await runKeys()).toEqual([`acme-night-${TENANT}`]);
  }, 60_000);

  it('one item of an active tenant, said in a line', async () => {
    const outcome = await runledger(['tenant', 'erase', String(TENANT), '--item', '500', '--yes']);
    expect([outcome.code, outcome.stderr]).toEqual([0, '']);
    expect(outcome.stdout).toContain('0 events, 0 QA samples and 0 runs no longer say');
    expect(await runKeys()).toEqual([`acme-night-${TENANT}`]);
  }, 60_000);

  it('says what it erased, drops the logins, ends the tokens, and is there to be said again', async () => {
    expect((await runledger(['tenant', 'sql-login', String(TENANT), '--login', LOGIN])).code).toBe(0);
    const token = (await runledger(['token', 'create', '--kind', 'tenant', '--tenant', String(TENANT)])).stdout.trim();
    expect(await statusOf(token)).toBe(200);
    await runledger(['tenant', 'disable', String(TENANT)]);
    const outcome = await runledger(['tenant', 'erase', String(TENANT), '--yes']);
    expect([outcome.code, outcome.stderr]).toEqual([0, '']);
    expect(outcome.stdout).toContain('1 runs no longer say');
    expect(outcome.stdout).toContain(`Its BI logins are gone: ${LOGIN}`);
    expect(await runKeys()).toEqual([null]);
    await vi.waitFor(async () => expect(await statusOf(token)).toBe(401), { timeout: 60_000, interval: 250 });
    const again = await runledger(['tenant', 'erase', String(TENANT), '--yes', '--json']);
    expect(JSON.parse(again.stdout)).toEqual({ events: 2, qa_samples: 0, parked: 0, runs: 1, sql_logins: [] });
  }, 180_000);

  it('where roles may not be dropped it erases all the same, prints the SQL that is left to do, and exits with 1', async () => {
    expect((await runledger(['tenant', 'sql-login', String(OTHER), '--login', LOGIN])).code).toBe(0);
    await runledger(['tenant', 'disable', String(OTHER)]);
    const outcome = await runledger(['tenant', 'erase', String(OTHER), '--yes', '--json'], plainUrl);
    expect(outcome.code).toBe(1);
    expect(JSON.parse(outcome.stdout)).toMatchObject({ runs: 1, sql_logins: [LOGIN] });
    const { error } = JSON.parse(outcome.stderr) as { error: string };
    const sql = error.slice(error.indexOf('-- For an administrator'));
    expect(sql).toContain(`drop role ${LOGIN}`);
    await withClient(database.superuserUrl, (client) => client.query(sql));
    const { rows } = await owner.query('select from pg_roles where rolname = $1', [LOGIN]);
    expect(rows).toEqual([]);
  }, 120_000);
});
