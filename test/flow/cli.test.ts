/** The commands as child processes on a real database: JSON that parses, exit codes that mean something, errors that say what to do. */

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool } from '../../receiver/store/pool.ts';
import { registerTenants } from '../../receiver/store/tenants.ts';
import { CLI_PROGRAM } from '../helpers/cli_program.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { seedRun } from './api_seed.ts';

const KEYED = 2 ** 52 + 5;
let database: TestDatabase;
let owner: pg.Pool;
let folder: string;

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'runledger-cli-'));
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 2 });
  const operators = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_operator', maxConnections: 1 });
  await registerTenants(operators, ['7', '8']);
  await operators.end();
  const startedAt = new Date('2026-11-22T01:30:05.000Z');
  await seedRun(owner, { tenantId: 7, runId: 4711, startedAt, status: 'failed' });
  await seedRun(owner, { tenantId: 8, runId: 4711, startedAt });
  await seedRun(owner, { tenantId: 8, runId: KEYED, runKey: 'night-22', startedAt });
});

afterAll(async () => {
  await owner.end();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

function runledger(args: string[], options: { env?: Record<string, string>; stdin?: string } = {}): Promise<Outcome> {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, DATABASE_URL: database.databaseUrl, RUNLEDGER_DATA_DIR: folder, ...options.env };
  const child = spawn(process.execPath, [...CLI_PROGRAM, ...args], { env });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  child.stdin.end(options.stdin ?? '');
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

async function json<T>(args: string[], code = 0): Promise<T> {
  const outcome = await runledger([...args, '--json']);
  expect(outcome.code, outcome.stderr).toBe(code);
  return JSON.parse(outcome.stdout) as T;
}

describe('looking', () => {
  it('runs --json pages and filters as the API does', async () => {
    const page = await json<{ runs: { run_id: number }[]; next_cursor: string }>(['runs', '--limit', '2']);
    expect(page.runs).toHaveLength(2);
    const rest = await json<{ runs: unknown[] }>(['runs', '--cursor', page.next_cursor]);
    expect(rest.runs).toHaveLength(1);
    expect((await json<{ runs: unknown[] }>(['runs', '--tenant', '7'])).runs).toHaveLength(1);
  });

  it('show prints a page without colours or cuts where there is no terminal, and the same facts as JSON', async () => {
    const { stdout, code } = await runledger(['show', 'night-22']);
    expect(code).toBe(0);
    for (const part of [
      'succeeded',
      'Stages',
      'select_targets',
      'Vendors',
      'zerobounce',
      'candidates_considered',
      '12,480',
    ]) {
      expect(stdout).toContain(part);
    }
    expect(stdout).not.toContain('\x1b');
    expect(stdout).not.toContain('…');
    const data = await json<{ run: { run_id: number }; stats: { vendor_usage: unknown[] } }>(['show', 'night-22']);
    expect(data.run.run_id).toBe(KEYED);
    expect(data.stats.vendor_usage).toHaveLength(3);
  });

  it('a run of several tenants is asked about, an unknown one is 1', async () => {
    const several = await runledger(['show', '4711']);
    expect(several).toMatchObject({ code: 1, stderr: expect.stringContaining('--tenant') });
    expect((await json<{ run: object }>(['show', '4711', '--tenant', '7'])).run).toMatchObject({
      tenant_id: 7,
      status: 'failed',
    });
    expect((await runledger(['show', 'nothing'])).code).toBe(1);
    expect(await json(['show', '--tenant', '7'])).toMatchObject({ run: { tenant_id: 7, run_id: 4711 } });
  });

  it('sql reads, as JSON and CSV, from an argument and from stdin; it cannot write, nor run two statements', async () => {
    expect(await json(['sql', 'select tenant_id, run_id from enrichment_runs order by 1, 2'])).toEqual([
      { tenant_id: 7, run_id: 4711 },
      { tenant_id: 8, run_id: 4711 },
      { tenant_id: 8, run_id: KEYED },
    ]);
    expect((await runledger(['sql', '--format', 'csv'], { stdin: 'select 1 as a, null as b' })).stdout).toBe(
      'a,b\n1,\n',
    );
    for (const query of [
      'delete from enrichment_runs',
      'select 1; delete from enrichment_runs',
      'commit; delete from enrichment_runs',
    ]) {
      expect((await runledger(['sql', query])).code).toBe(2);
    }
    expect((await owner.query('select count(*)::int as n from enrichment_runs')).rows).toEqual([{ n: 3 }]);
  });

  it("sql --tenant sees that tenant's rows only", async () => {
    expect(await json(['sql', 'select distinct tenant_id from run_event_logs', '--tenant', '7'])).toEqual([
      { tenant_id: 7 },
    ]);
  });

  it('export gives the same number of events as CSV and as JSON lines', async () => {
    const { rows } = await owner.query('select count(*)::int as n from run_event_logs where run_id = $1', [KEYED]);
    const csv = (await runledger(['export', 'night-22'])).stdout.trimEnd().split('\n');
    const lines = (await runledger(['export', 'night-22', '--format', 'json'])).stdout.trimEnd().split('\n');
    expect(csv).toHaveLength((rows[0]?.n as number) + 1);
    expect(lines).toHaveLength(rows[0]?.n as number);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ run_id: KEYED, tenant_id: 8 });
  });
}, 120_000);

describe('keeping the books', () => {
  it('audit is 0 while all is right and 1 when a counter was touched; rebuild sets it right and says what', async () => {
    expect(await json(['audit'])).toMatchObject({ difference: 0, runs_checked: 3 });
    await owner.query(
      `update run_stage_stats set count_total = count_total + 5 where tenant_id = 7 and stage = 'crawl'`,
    );
    const found = await json<{ difference: number; differences: object[] }>(['audit'], 1);
    expect(found).toMatchObject({ difference: 1 });
    expect(found.differences[0]).toMatchObject({ tenant_id: 7, name: 'crawl', column: 'count_total' });
    expect((await runledger(['audit', '--tenant', '8'])).code).toBe(0);
    expect(await json(['rebuild', '--run', '4711', '--tenant', '7'])).toMatchObject({
      runs_rebuilt: 1,
      changes: [{ name: 'crawl', change: 'corrected' }],
    });
    expect((await json<{ difference: number }>(['audit'])).difference).toBe(0);
  });

  it('job run does the job now; an unknown job is 2', async () => {
    expect(await json(['job', 'run', 'derive_due'])).toMatchObject({ job: 'derive_due', failed: 0 });
    expect(await json(['job', 'run', 'sweep_parked'])).toMatchObject({ job: 'sweep_parked', moved: 0 });
    expect((await runledger(['job', 'run', 'nothing'])).code).toBe(2);
  });

  it('migrate says when there is nothing to do', async () => {
    expect(await json(['migrate'])).toEqual({ applied: [] });
    expect(await json(['migrate', '--check'])).toEqual({ pending: [] });
    expect((await runledger(['migrate', '--print-sql'])).stdout).toContain('runledger_reader');
  });
}, 120_000);

describe('tenants and tokens', () => {
  it('token create registers a numeric tenant, prints the token once, and revoke takes it back', async () => {
    const made = await json<{ token: string; token_id: number }>([
      'token',
      'create',
      '--kind',
      'tenant',
      '--tenant',
      '99',
    ]);
    expect(made.token).toMatch(/^rlt_/);
    expect(await json<{ tenant_id: number }[]>(['tenant', 'list'])).toContainEqual(
      expect.objectContaining({ tenant_id: 99 }),
    );
    const plain = await runledger(['token', 'create', '--kind', 'admin', '--expires', '2h']);
    expect(plain.stdout).toMatch(/^rla_\S+\n$/);
    const list = await runledger(['token', 'list', '--json']);
    expect(list.stdout).not.toContain(made.token);
    expect(await json(['token', 'revoke', String(made.token_id)])).toEqual({ token_id: made.token_id, revoked: true });
    expect((await runledger(['token', 'revoke', '123456'])).code).toBe(1);
  });

  it('tenants are added, renamed and disabled; an unknown one is 1, an impossible one 2', async () => {
    const { tenant_id } = await json<{ tenant_id: number }>(['tenant', 'add', 'acme']);
    expect(await json(['tenant', 'rename', 'acme', 'acme2'])).toMatchObject({ tenant_id, name: 'acme2' });
    expect(await json(['tenant', 'disable', 'acme2'])).toMatchObject({ status: 'disabled' });
    expect((await runledger(['tenant', 'disable', 'nobody'])).code).toBe(1);
    expect((await runledger(['tenant', 'add', 'Not A Name'])).code).toBe(2);
  });
}, 120_000);

describe('captured telemetry', () => {
  it('explain needs no ledger: kinds, what is added, what waits and what is refused; exit code 1 with a refusal', async () => {
    const file = join(folder, 'capture.jsonl');
    await writeFile(file, `${request(good)}\n\n${request([{ ...good[0], spanId: 'zz' }])}\n`);
    const env = { DATABASE_URL: '', RUNLEDGER_DATA_DIR: join(folder, 'none') };
    const outcome = await runledger(['explain', file, '--json'], { env });
    expect(outcome.code, outcome.stderr).toBe(1);
    const lines = JSON.parse(outcome.stdout) as {
      kind: string;
      refused: string | null;
      adds: string[];
      request: string;
    }[];
    expect(lines.map((line) => line.kind).slice(0, 3)).toEqual(['run', 'item', 'vendor_call']);
    expect(lines[2]?.adds.join()).toContain('1 call of openai, 1,200 tokens in, 90 out, $0.00023');
    expect(lines[3]).toMatchObject({ refused: 'invalid_ids', request: `${file}:3` });
  });

  it.each([
    ['not there', null],
    ['empty', ''],
    ['not JSON', '{"resourceSpans": ['],
    ['not OTLP', Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3])],
  ])('explain of a file that is %s is 2 with one reason', async (_what, content) => {
    const file = join(folder, 'bad.bin');
    await rm(file, { force: true });
    if (content !== null) await writeFile(file, content);
    const outcome = await runledger(['explain', '--offline', file]);
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toMatch(/^runledger: /);
    expect(outcome.stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
  });

  it('replay retries what is retryable, reads partial_success, and gives up with 3', async () => {
    const file = join(folder, 'replay.json');
    await writeFile(file, request(good));
    const statuses = [503, 429, 200];
    const seen: string[] = [];
    const server = createServer((req, res) => {
      seen.push(`${req.method} ${req.url} ${req.headers['content-type']} ${req.headers.authorization}`);
      req.resume().on('end', () => {
        const status = statuses.shift() ?? 503;
        res.writeHead(status, { 'Content-Type': 'application/json', 'Retry-After': '0' });
        res.end(status === 200 ? '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"one is bad"}}' : '{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const to = [
        '--endpoint',
        `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        '--token',
        'rlt_0123456789abcdef',
      ];
      const totals = await json(['replay', file, ...to], 1);
      expect(totals).toMatchObject({
        requests: 1,
        rejected: 1,
        retries: 2,
        messages: [expect.stringContaining('one is bad')],
      });
      expect(seen[0]).toBe('POST /v1/traces application/json Bearer rlt_0123456789abcdef');
      expect((await runledger(['replay', file, ...to, '--tries', '2'])).code).toBe(3);
    } finally {
      server.close();
    }
  });
}, 120_000);

describe('use and misuse', () => {
  it.each([
    [['frobnicate'], 2],
    [['runs', '--limit', 'many'], 2],
    [['runs', '--status', 'done'], 2],
    [['token', 'create'], 2],
    [['token', 'create', '--kind', 'tenant'], 2],
    [['token', 'revoke', 'x'], 2],
    [['sql', 'selec 1'], 2],
    [['--help'], 0],
    [['help', 'show'], 0],
    [['--version'], 0],
  ] as const)('%j ends with %s', async (args, code) => {
    const outcome = await runledger([...args]);
    expect(outcome.code, outcome.stderr).toBe(code);
    expect(outcome.stderr).not.toMatch(/\n\s+at /);
  });

  it('a database that is not there, and one that was never migrated, are 3 and say what to do; no password is shown', async () => {
    const away = await runledger(['runs'], { env: { DATABASE_URL: 'postgres://me:hunter2secret@127.0.0.1:1/none' } });
    expect(away.code).toBe(3);
    expect(away.stderr).toContain('DATABASE_URL');
    expect(away.stderr).not.toContain('hunter2secret');
    const none = await runledger(['runs'], { env: { DATABASE_URL: '', RUNLEDGER_DATA_DIR: join(folder, 'none') } });
    expect(none).toMatchObject({ code: 3, stderr: expect.stringContaining('runledger demo') });
  });

  it('an error under --json is JSON as well', async () => {
    const outcome = await runledger(['show', 'nothing', '--json']);
    expect(outcome.stdout).toBe('');
    expect(JSON.parse(outcome.stderr)).toEqual({ error: 'There is no run nothing', exit_code: 1 });
  });

  it('config masks the password', async () => {
    const { stdout } = await runledger(['config', '--json'], {
      env: { DATABASE_URL: 'postgres://me:hunter2secret@db/x' },
    });
    expect(stdout).toContain('postgres://me:****@db/x');
    expect(stdout).not.toContain('hunter2secret');
  });
}, 120_000);

const now = BigInt(Date.now()) * 1_000_000n;
const good = [
  span('1', { 'runledger.kind': 'run', 'runledger.run.id': '4720', 'runledger.tenant.id': '7' }, {}),
  span(
    '2',
    { 'runledger.kind': 'item', 'runledger.run.id': '4720', 'runledger.item.id': '12', 'runledger.tenant.id': '7' },
    { parentSpanId: '1'.repeat(16) },
  ),
  span(
    '3',
    {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4o-mini',
      'gen_ai.usage.input_tokens': 1200,
      'gen_ai.usage.output_tokens': 90,
      'runledger.run.id': '4720',
      'runledger.tenant.id': '7',
    },
    { kind: 3, parentSpanId: '2'.repeat(16) },
  ),
];

function span(digit: string, attributes: Record<string, string | number>, more: object) {
  return {
    traceId: 'ab'.repeat(16),
    spanId: digit.repeat(16),
    name: `span ${digit}`,
    kind: 1,
    startTimeUnixNano: String(now - 5_000_000_000n),
    endTimeUnixNano: String(now),
    attributes: Object.entries(attributes).map(([key, value]) => ({
      key,
      value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
    })),
    ...more,
  };
}

function request(spans: object[]): string {
  return JSON.stringify({ resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ spans }] }] });
}
