/** Start and end: nothing half open after a failed start, nothing lost that was accepted, and an end within its time. */

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../receiver/config.ts';
import { createLog } from '../../receiver/log.ts';
import { startReceiver } from '../../receiver/main.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { head, rawConnection } from '../helpers/otlp_server.ts';
import { postTraces, runSpanJson, startTestReceiver } from '../helpers/receiver.ts';

let database: TestDatabase;
let superuser: pg.Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 2 });
});
afterAll(async () => {
  await superuser?.end();
  await database?.drop();
});

const sessions = async () => {
  const { rows } = await superuser.query<{ count: string }>(
    "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and application_name ~ 'runledger|graphile'",
  );
  return Number(rows[0]?.count);
};
/** No token is given, so that the receiver makes its own. */
const MADE = { RUNLEDGER_INGEST_TOKEN: '', RUNLEDGER_ADMIN_TOKEN: '' };
const portOf = (url: string) => Number(new URL(url).port);

test('a request in flight is committed and answered, a new one is not begun', async () => {
  const receiver = await startTestReceiver(database.databaseUrl);
  const body = runSpanJson(7, 'in-flight', 0x1f);
  const headers = { Authorization: `Bearer ${receiver.ingestToken}`, 'Content-Length': body.length };
  const slow = await rawConnection(portOf(receiver.urls.otlpHttp));
  await slow.write(head('/v1/traces', headers) + body.slice(0, 20));
  const kept = await rawConnection(portOf(receiver.urls.otlpHttp));
  await kept.write(`${head('/v1/traces', { ...headers, 'Content-Length': 2 })}{}`);
  await kept.until('200 OK');
  // The slow request is being read once its bytes are counted; before that it could still be refused.
  const metrics = async () => (await fetch(`${receiver.urls.api}/metrics`)).text();
  await expect.poll(metrics).toContain(`runledger_body_bytes_in_flight ${body.length}`);
  const stopped = receiver.stop();
  await expect.poll(() => rawRefused(portOf(receiver.urls.otlpHttp))).toBe(true);
  await slow.write(body.slice(20));
  const { text } = await slow.untilClosed;
  expect(text).toMatch(/^HTTP\/1\.1 200 OK/);
  await stopped;
  const { rows } = await superuser.query("select run_key from enrichment_runs where run_key = 'in-flight'");
  expect(rows.length).toBe(1);
  await kept.untilClosed;
  expect(await sessions()).toBe(0);
  await receiver.close();
});

async function rawRefused(port: number): Promise<boolean> {
  try {
    await fetch(`http://127.0.0.1:${port}/v1/traces`);
    return false;
  } catch {
    return true;
  }
}

test('while it ends, readiness says so and stopping twice is stopping once', async () => {
  const receiver = await startTestReceiver(database.databaseUrl);
  const connection = await rawConnection(portOf(receiver.urls.otlpHttp));
  const body = runSpanJson(7, 'draining', 0x2f);
  const auth = { Authorization: `Bearer ${receiver.ingestToken}` };
  await connection.write(head('/v1/traces', { ...auth, 'Content-Length': body.length }) + body.slice(0, 9));
  const metrics = async () => (await fetch(`${receiver.urls.api}/metrics`)).text();
  await expect.poll(metrics).toContain(`runledger_body_bytes_in_flight ${body.length}`);
  const both = Promise.all([receiver.stop(), receiver.stop()]);
  const readyz = await fetch(`${receiver.urls.api}/readyz`);
  expect(readyz.status).toBe(503);
  expect(await readyz.json()).toMatchObject({ ready: false, checks: { accepting: 'shutting down', database: 'ok' } });
  await connection.write(body.slice(9));
  await connection.untilClosed;
  await both;
  await receiver.close();
});

test('a port in use names the port and its variable, and leaves nothing open', async () => {
  const taken = createServer();
  const port = await new Promise<number>((resolve) =>
    taken.listen(0, '127.0.0.1', () => resolve((taken.address() as { port: number }).port)),
  );
  for (const variable of ['RUNLEDGER_OTLP_HTTP_PORT', 'RUNLEDGER_OTLP_GRPC_PORT', 'RUNLEDGER_HTTP_PORT']) {
    await expect(startTestReceiver(database.databaseUrl, { [variable]: String(port) })).rejects.toThrow(
      `Port ${port} on 127.0.0.1 is in use by another program: stop it, or set ${variable} to a free port`,
    );
  }
  await new Promise((resolve) => taken.close(resolve));
  expect(await sessions()).toBe(0);
});

test('a host that this machine does not have, and a database that is not there, fail the start', async () => {
  await expect(startTestReceiver(database.databaseUrl, { RUNLEDGER_HOST: '203.0.113.7' })).rejects.toThrow(
    /RUNLEDGER_HOST/,
  );
  await expect(startTestReceiver('postgres://nobody:none@127.0.0.1:9/none')).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
});

test('tokens are made once, in files that only their owner reads, and hold after a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runledger-tokens-'));
  const own = await createTestDatabase();
  const environment = { ...MADE, RUNLEDGER_DATA_DIR: join(folder, 'deep', 'data') };
  const first = await startTestReceiver(own.databaseUrl, environment);
  await first.close();
  const second = await startTestReceiver(own.databaseUrl, environment);
  expect([second.ingestToken, second.adminToken]).toEqual([first.ingestToken, first.adminToken]);
  expect(new Set([first.ingestToken, first.adminToken, '']).size).toBe(3);
  expect((await postTraces(second, '{}')).status).toBe(200);
  const files = readdirSync(environment.RUNLEDGER_DATA_DIR).sort();
  expect(files).toEqual(['admin-token', 'ingest-token']);
  for (const file of files) expect(statSync(join(environment.RUNLEDGER_DATA_DIR, file)).mode & 0o777).toBe(0o600);
  // A receiver with another data folder on the same database must not take the first one's token away.
  const other = await startTestReceiver(own.databaseUrl, MADE);
  expect(other.ingestToken).toBe('');
  expect((await postTraces(other, '{}', second.ingestToken)).status).toBe(200);
  await other.close();
  await second.close();
  await own.drop();
  rmSync(folder, { recursive: true });
});

test('a token of the configuration works and is written nowhere', async () => {
  const token = 'chosen-by-the-operator-1';
  const receiver = await startTestReceiver(database.databaseUrl, { RUNLEDGER_INGEST_TOKEN: token });
  expect((await postTraces(receiver, '{}', token)).status).toBe(200);
  const written = readdirSync(receiver.dataDir).map((name) => readFileSync(join(receiver.dataDir, name), 'utf8'));
  expect(written.join()).not.toContain(token);
  await receiver.close();
});

test('two starts at once on a new database both come up', async () => {
  const own = await createTestDatabase();
  const dataDir = mkdtempSync(join(tmpdir(), 'runledger-two-'));
  const start = () => startTestReceiver(own.databaseUrl, { ...MADE, RUNLEDGER_DATA_DIR: dataDir });
  const receivers = await Promise.all([start(), start()]);
  expect(receivers[0].ingestToken).toBe(receivers[1].ingestToken);
  for (const receiver of receivers) expect((await postTraces(receiver, '{}')).status).toBe(200);
  await Promise.all(receivers.map((receiver) => receiver.close()));
  await own.drop();
  rmSync(dataDir, { recursive: true });
});

test('the log of a start never shows the database password', async () => {
  const lines: string[] = [];
  const config = loadConfig({}, { DATABASE_URL: 'postgres://nobody:s3cret-pass@127.0.0.1:9/none' });
  const log = createLog({ level: 'trace', stream: { write: (line) => lines.push(line) } });
  await expect(
    startReceiver({ ...config, otlpHttpPort: 0, otlpGrpcPort: 0, httpPort: 0 }, { log, version: '0' }),
  ).rejects.toThrow();
  log.error({ err: new Error('x', { cause: config }), url: config.databaseUrl }, 'failed');
  expect(lines.join()).not.toContain('s3cret-pass');
});

const PROCESS_TOKEN = 'ingest-token-of-the-process';
const PROGRAM = `
  import { createLog, loadConfig, runUntilSignal, startReceiver } from '${new URL('../../receiver/index.ts', import.meta.url).href}';
  const log = createLog({ level: 'info' });
  const receiver = await startReceiver(loadConfig(), { log, version: '0' });
  process.exitCode = await runUntilSignal(() => receiver.stop(), log);
`;

/** A receiver in a process of its own, as an orchestrator would run it. */
async function startProcess() {
  const dataDir = mkdtempSync(join(tmpdir(), 'runledger-process-'));
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', PROGRAM], {
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: database.databaseUrl,
      RUNLEDGER_DATA_DIR: dataDir,
      RUNLEDGER_INGEST_TOKEN: PROCESS_TOKEN,
      RUNLEDGER_OTLP_HTTP_PORT: '0',
      RUNLEDGER_OTLP_GRPC_PORT: '0',
      RUNLEDGER_HTTP_PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  await expect.poll(() => output, { timeout: 60_000 }).toContain('"msg":"ready"');
  const ready = JSON.parse(output.split('\n').find((line) => line.includes('"msg":"ready"')) ?? '');
  return { child, exited, ready, output: () => output, clean: () => rmSync(dataDir, { recursive: true, force: true }) };
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends the process in order, with exit code 0',
  async (signal) => {
    const { child, exited, output, clean } = await startProcess();
    child.kill(signal);
    expect(await exited).toBe(0);
    expect(output()).toContain('finishing the requests in flight');
    expect(await sessions()).toBe(0);
    clean();
  },
  40_000,
);

test('a second signal ends the process although a sender keeps it waiting', async () => {
  const { child, exited, ready, output, clean } = await startProcess();
  const sender = await rawConnection(portOf(ready.otlpHttp));
  const headers = { Authorization: `Bearer ${PROCESS_TOKEN}`, Expect: '100-continue', 'Content-Length': 100 };
  await sender.write(head('/v1/traces', headers));
  await sender.until('100 Continue');
  child.kill('SIGTERM');
  await expect.poll(output).toContain('finishing the requests in flight');
  child.kill('SIGTERM');
  expect(await exited).toBe(143);
  expect(output()).toContain('second signal');
  sender.socket.destroy();
  clean();
});
