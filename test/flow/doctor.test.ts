/** `runledger doctor` on deployments that are well, and on each of the ways in which they are not: it must see it, and say what to do. */

import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLI_PROGRAM } from '../helpers/cli_program.ts';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';

interface Finding {
  check: string;
  state: 'ok' | 'warn' | 'fail';
  says: string;
  advice?: string;
}

let database: TestDatabase;
let receiver: TestReceiver;
let admin: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  receiver = await startTestReceiver(database.databaseUrl);
  admin = new pg.Client({ connectionString: database.superuserUrl });
  await admin.connect();
});

afterAll(async () => {
  await admin?.end();
  await receiver?.close();
  await database?.drop();
});

async function doctor(
  args: string[],
  environment: Record<string, string> = {},
): Promise<{ code: number | null; ok?: boolean; checks: Map<string, Finding>; stderr: string }> {
  const { PATH = '', HOME = '' } = process.env;
  const env = {
    PATH,
    HOME,
    DATABASE_URL: database.databaseUrl,
    RUNLEDGER_DATA_DIR: receiver.dataDir,
    RUNLEDGER_OTLP_HTTP_PORT: new URL(receiver.urls.otlpHttp).port,
    RUNLEDGER_HTTP_PORT: new URL(receiver.urls.api).port,
    RUNLEDGER_INGEST_TOKEN: receiver.ingestToken,
    ...environment,
  };
  const child = spawn(process.execPath, [...CLI_PROGRAM, 'doctor', '--json', ...args], { env });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const result = stdout === '' ? { checks: [] } : (JSON.parse(stdout) as { ok: boolean; checks: Finding[] });
  return { code, ...result, checks: new Map(result.checks.map((found) => [found.check, found])), stderr };
}

test('a deployment that is well: every check passes, and the test span is found in the ledger', async () => {
  const { code, ok, checks } = await doctor([]);
  expect([...checks.values()].filter(({ state }) => state === 'fail')).toEqual([]);
  expect([code, ok]).toEqual([0, true]);
  expect([...checks.keys()]).toEqual([
    'database',
    'schema',
    'tenant walls',
    'partitions',
    'jobs',
    'tokens',
    'refusals',
    'parked spans',
    'percentiles',
    'receiver',
    'endpoint',
    'test span',
  ]);
  // The server of the tests is without fsync, which nobody should overlook.
  expect(checks.get('database')).toMatchObject({ state: 'warn', says: expect.stringContaining('fsync') });
  const { rows } = await admin.query(
    `select t.name, r.pipeline, r.status, r.complete from enrichment_runs r join runledger.tenants t using (tenant_id)`,
  );
  expect(rows).toEqual([
    { name: 'runledger-doctor', pipeline: 'runledger.doctor', status: 'succeeded', complete: true },
  ]);
});

test('without a test span nothing in the ledger changes', async () => {
  const count = async () =>
    (await admin.query('select (select count(*) from enrichment_runs), (select count(*) from runledger.tenants)')).rows;
  const before = await count();
  const { code, checks } = await doctor(['--no-span']);
  expect([code, checks.has('endpoint')]).toEqual([0, false]);
  expect(await count()).toEqual(before);
});

test('a token that nobody knows, none at all, and one that may not send are told apart', async () => {
  const unknown = await doctor(['--token', 'no-token-of-this-ledger']);
  expect(unknown.code).toBe(1);
  expect(unknown.checks.get('endpoint')?.says).toContain('401: the token is not known');
  const none = await doctor(['--endpoint', receiver.urls.otlpHttp]);
  expect(none.checks.get('endpoint')?.says).toContain('401: it wants a token');
  const admins = await doctor(['--token', receiver.adminToken]);
  expect(admins.checks.get('endpoint')).toMatchObject({
    state: 'fail',
    advice: expect.stringContaining('ingest token'),
  });
});

test('nobody at the endpoint, and somebody who is no OTLP endpoint', async () => {
  const away = await doctor(['--endpoint', 'http://127.0.0.1:9']);
  expect(away.code).toBe(1);
  expect(away.checks.get('endpoint')).toMatchObject({
    state: 'fail',
    says: expect.stringContaining('cannot be reached'),
  });
  const web = createServer((_, response) => response.end('<html>hello</html>'));
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  const other = await doctor(['--endpoint', url, '--api', url]);
  web.close();
  expect(other.checks.get('endpoint')?.says).toContain('no OTLP endpoint');
  expect(other.checks.get('receiver')?.state).toBe('fail');
});

test('a receiver that takes the span into another database is found out', async () => {
  const elsewhere = await createTestDatabase();
  const other = await startTestReceiver(elsewhere.databaseUrl);
  const { code, checks } = await doctor([
    '--endpoint',
    other.urls.otlpHttp,
    '--token',
    other.ingestToken,
    '--wait',
    '1',
  ]);
  await other.close();
  await elsewhere.drop();
  expect(code).toBe(1);
  expect(checks.get('endpoint')?.state).toBe('ok');
  expect(checks.get('test span')).toMatchObject({ state: 'fail', advice: expect.stringContaining('another database') });
});

test('a database that was never migrated ends the examination with the command that helps', async () => {
  const empty = await createEmptyDatabase();
  const { code, checks } = await doctor([], { DATABASE_URL: empty.databaseUrl });
  await empty.drop();
  expect(code).toBe(1);
  expect(checks.get('schema')).toMatchObject({ state: 'fail', advice: 'Run: runledger migrate' });
  expect(checks.has('endpoint')).toBe(false);
});

test('a database that cannot be reached is exit code 3', async () => {
  const { code, stderr } = await doctor([], { DATABASE_URL: 'postgres://me@127.0.0.1:9/ledger' });
  expect(code).toBe(3);
  expect(stderr).toContain('cannot be reached');
});

test('a wall with a hole, a missing day and what ingest left over are seen', async () => {
  await admin.query('create policy hole on public.enrichment_runs for select to runledger_reader using (true)');
  await admin.query(`insert into enrichment_runs (tenant_id, run_id, run_key) values (7, 4711, 'left')`);
  await admin.query(`insert into runledger.dirty_runs (tenant_id, run_id, due_at, first_at, changes)
    values (7, 4712, now() - interval '1 day', now(), 1)`);
  await admin.query(
    `insert into runledger.refusals (tenant_id, day, reason, spans) values (7, current_date, 'too_old', 12)`,
  );
  await admin.query(
    `insert into runledger.quota_holds values
       (7, 'open_runs', (now() at time zone 'UTC')::date, 40, now()), (8, 'parked_bytes', '2026-01-01', 9, '2026-01-01')`,
  );
  const { rows } = await admin.query<{ name: string }>(
    `select 'runledger.events_' || to_char((now() at time zone 'UTC')::date + 2, 'YYYYMMDD') as name`,
  );
  await admin.query(`drop table ${rows[0]?.name}`);
  const { code, checks } = await doctor(['--no-span']);
  expect(code).toBe(1);
  expect(checks.get('tenant walls')?.state).toBe('fail');
  expect(checks.get('receiver')).toMatchObject({ state: 'fail', says: expect.stringContaining('walls') });
  expect(checks.get('partitions')).toMatchObject({
    state: 'warn',
    advice: expect.stringContaining('ensure_partitions'),
  });
  expect(checks.get('refusals')?.says).toContain('too_old 12');
  expect(checks.get('quotas')).toMatchObject({
    state: 'warn',
    says: 'sent back until later today: open_runs 40 requests of 1 tenant',
  });
});

test('jobs that stopped, tokens that end soon and runs that nobody derived are seen', async () => {
  const still = await createTestDatabase();
  const client = new pg.Client({ connectionString: still.superuserUrl });
  await client.connect();
  const never = await doctor(['--no-span'], { DATABASE_URL: still.databaseUrl });
  expect(never.checks.get('jobs')?.says).toContain('never run');
  expect(never.checks.get('tokens')).toMatchObject({ state: 'fail', advice: expect.stringContaining('token create') });
  const once = await startTestReceiver(still.databaseUrl);
  await once.close();
  await client.query(`update graphile_worker._private_known_crontabs
    set known_since = now() - interval '1 day', last_execution = now() - interval '1 hour'`);
  await client.query(`update runledger.tokens set expires_at = now() + interval '1 day'`);
  await client.query(`insert into runledger.dirty_runs (tenant_id, run_id, due_at, first_at, changes)
    values (7, 4712, now() - interval '1 day', now(), 1)`);
  const stopped = await doctor(['--no-span'], { DATABASE_URL: still.databaseUrl });
  await client.end();
  await still.drop();
  expect(stopped.checks.get('jobs')).toMatchObject({ state: 'fail', says: expect.stringContaining('60 minutes ago') });
  expect(stopped.checks.get('tokens')).toMatchObject({ state: 'warn', says: expect.stringContaining('2 of') });
  expect(stopped.checks.get('percentiles')).toMatchObject({
    state: 'fail',
    says: expect.stringContaining('1 run waits'),
  });
});
