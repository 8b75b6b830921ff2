/** `runledger demo` as a child process: what it prints, how it ends, and what it refuses. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { audit } from '../../receiver/derive/audit.ts';
import { CLI_PROGRAM } from '../helpers/cli_program.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { startTestReceiver } from '../helpers/receiver.ts';

const SMALL = ['--once', '--companies', '12', '--otlp-http-port', '0', '--http-port', '0'];
/** Of an application beside it, which must neither take the demo's spans nor silence them. */
const FOREIGN = {
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
  OTEL_TRACES_EXPORTER: 'none',
  OTEL_SDK_DISABLED: 'true',
};

let database: TestDatabase;
let superuser: pg.Pool;
let folder: string;

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 2 });
  folder = await mkdtemp(join(tmpdir(), 'runledger-demo-'));
});

afterAll(async () => {
  await superuser.end();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

interface Running {
  child: ChildProcess;
  text(): { stdout: string; stderr: string };
  /** Resolves once stdout holds `part`. */
  until(part: string): Promise<void>;
  ended: Promise<number | null>;
}

function demo(...args: string[]): Running {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, DATABASE_URL: database.databaseUrl, RUNLEDGER_DATA_DIR: folder, ...FOREIGN };
  const child = spawn(process.execPath, [...CLI_PROGRAM, 'demo', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  child.stdout?.on('data', (data) => {
    text.stdout += data;
    for (const listener of listeners) listener();
  });
  child.stderr?.on('data', (data) => {
    text.stderr += data;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const until = (part: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => text.stdout.includes(part) && resolve();
      listeners.add(look);
      look();
      void ended.then(() => reject(new Error(`it ended before "${part}" came: ${text.stderr}`)));
    });
  return { child, text: () => text, until, ended };
}

test('--json prints one document that says all is equal, whatever OTEL_ variables are set, and takes its token back', async () => {
  const running = demo(...SMALL, '--json');
  expect(await running.ended, running.text().stderr).toBe(0);
  const result = JSON.parse(running.text().stdout);
  expect(result).toMatchObject({ equal: true, differences: [], audit: { difference: 0 }, spans: { lost: 0 } });
  expect(result.walls).toEqual({ own: 2, foreign: 2, wrong: [] });
  expect(result.values_compared).toBeGreaterThan(300);
  expect(result.runs.map((run: { status: string }) => run.status)).toEqual(['failed', 'succeeded']);
  const { rows } = await superuser.query("select revoked_at from runledger.tokens where name = 'runledger demo'");
  expect(rows).toHaveLength(3);
  expect(rows.every((row) => row.revoked_at !== null)).toBe(true);
  const names = await superuser.query(
    'select tenant_id, name from runledger.tenants where tenant_id in (7, 12) order by 1',
  );
  expect(names.rows).toEqual([
    { tenant_id: 7, name: 'meridian' },
    { tenant_id: 12, name: 'harbour' },
  ]);
});

test('without a terminal it prints plain lines, stays up, and Ctrl-C ends it with 0', async () => {
  const running = demo(...SMALL);
  await running.until('Ctrl-C ends it');
  const api = /API (http:\/\/\S+?)\. /.exec(running.text().stdout)?.[1];
  expect((await fetch(`${api}/healthz`)).status).toBe(200);
  running.child.kill('SIGINT');
  expect(await running.ended, running.text().stderr).toBe(0);
  const { stdout } = running.text();
  expect(stdout).not.toContain('\u001b');
  expect(stdout).toContain('0 differences in');
  expect(stdout).toContain("OpenAI's quota ran out after");
  expect(stdout).toMatch(/What alerts[\s\S]*page +RF-07 +run failed: score in error[\s\S]*Is it right/);
});

test('stopped in the middle it leaves cancelled runs with whole books, and ends with 130', async () => {
  const running = demo(...SMALL, '--companies', '400');
  await running.until('Night of');
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  running.child.kill('SIGINT');
  expect(await running.ended, running.text().stderr).toBe(130);
  const { rows } = await superuser.query("select complete from enrichment_runs where status = 'cancelled'");
  expect(rows).toEqual([{ complete: true }, { complete: true }]);
  const { rows: open } = await superuser.query("select 1 from enrichment_runs where status = 'running'");
  expect(open).toEqual([]);
  expect((await audit(superuser)).difference).toBe(0);
});

test('a receiver that refuses the token, or is not there, is told before any work', async () => {
  const token = ['--token', 'no-token-of-anybody'];
  const absent = demo('--endpoint', 'http://127.0.0.1:9', ...token);
  expect(await absent.ended).toBe(3);
  expect(absent.text().stderr).toContain('Nobody answers at http://127.0.0.1:9');
  expect(absent.text().stdout).toBe('');
  const receiver = await startTestReceiver(database.databaseUrl);
  try {
    const refused = demo('--endpoint', receiver.urls.otlpHttp, ...token);
    expect(await refused.ended).toBe(3);
    expect(refused.text().stderr).toContain('it answers 401');
  } finally {
    await receiver.close();
  }
});

test('--endpoint sends to a receiver elsewhere and says what was acknowledged', async () => {
  const receiver = await startTestReceiver(database.databaseUrl);
  try {
    const running = demo(...SMALL, '--json', '--endpoint', receiver.urls.otlpHttp, '--token', receiver.ingestToken);
    expect(await running.ended, running.text().stderr).toBe(0);
    const { runs, spans } = JSON.parse(running.text().stdout);
    expect(spans).toMatchObject({ dropped: 0, pending: 0, exported: spans.queued });
    const keys = runs.map((run: { run_key: string }) => run.run_key);
    const stored = await superuser.query(
      'select status, complete from enrichment_runs where run_key = any($1) order by 1',
      [keys],
    );
    expect(stored.rows).toEqual([
      { status: 'failed', complete: true },
      { status: 'succeeded', complete: true },
    ]);
  } finally {
    await receiver.close();
  }
});

test('wrong options say what to give', async () => {
  const outcomes: [string[], string][] = [
    [['--endpoint', 'http://127.0.0.1:4318'], '--endpoint and --token go together'],
    [['--companies', '3'], '--companies must be 10 at least'],
    [['--nights', 'many'], '--nights must be a whole number'],
  ];
  for (const [args, message] of outcomes) {
    const running = demo(...args);
    expect(await running.ended).toBe(2);
    expect(running.text().stderr).toContain(message);
  }
});

test('tenants of somebody else under its numbers are left alone', async () => {
  await superuser.query("update runledger.tenants set name = 'acme' where tenant_id = 7");
  const before = await superuser.query('select count(*)::int as runs from enrichment_runs');
  const running = demo(...SMALL, '--exit');
  expect(await running.ended).toBe(1);
  expect(running.text().stderr).toContain('runledger demo --data-dir');
  expect((await superuser.query('select count(*)::int as runs from enrichment_runs')).rows).toEqual(before.rows);
});
