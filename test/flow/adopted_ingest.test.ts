/**
 * Ingest beside an application that had enrichment_runs first: spans of its runs wait until it has made them, keyed runs stay out of its
 * sequence, and nothing that it wrote changes but by what a run span says.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Span } from '../../receiver/decode/shape.ts';
import { audit } from '../../receiver/derive/audit.ts';
import { rebuild } from '../../receiver/derive/rebuild.ts';
import { migrate } from '../../receiver/store/migrate.ts';
import { createEmptyDatabase, type TestDatabase } from '../helpers/database.ts';
import { type Ledger, openLedger } from '../helpers/ledger.ts';
import { int, requestWith, span, text, traceBody } from '../helpers/otlp.ts';
import { asLogin, withClient } from '../helpers/seed_tenants.ts';

const app = `app_${randomBytes(4).toString('hex')}`;
const password = randomBytes(9).toString('hex');

let database: TestDatabase;
let application: pg.Pool;
let ledger: Ledger;

beforeAll(async () => {
  const first = await createEmptyDatabase();
  await withClient(first.superuserUrl, (client) => client.query(`create role ${app} login password '${password}'`));
  await first.drop();
});
beforeEach(async () => {
  database = await createEmptyDatabase();
  await withClient(database.superuserUrl, (client) => client.query(`grant create on schema public to ${app}`));
  application = new pg.Pool({ connectionString: asLogin(database.databaseUrl, app, password), max: 3 });
  await application.query(`create table public.enrichment_runs (
    run_id bigserial primary key, tenant_id int not null, started_at timestamptz default now(), ended_at timestamptz,
    status text not null default 'running', batch_name text)`);
  await migrate({ databaseUrl: database.databaseUrl, adopt: true });
  ledger = await openLedger(database.databaseUrl);
});
afterEach(async () => {
  await ledger.close();
  await application.end();
  await withClient(database.superuserUrl, (client) => client.query(`drop owned by ${app} cascade`));
  await database.drop();
});
afterAll(async () => {
  const last = await createEmptyDatabase();
  await withClient(last.superuserUrl, (client) => client.query(`drop role ${app}`));
  await last.drop();
});

let spans = 0;
const NOW_US = Date.now() * 1000;

function at(given: Partial<Span>): Span {
  spans++;
  const spanId = spans.toString(16).padStart(16, '0');
  return span({ spanId, startUs: NOW_US - 2_000_000, endUs: NOW_US - 1_000_000, ...given });
}

/** The run span and two children, one of which names no run. */
function night(tenantId: number, run: string, traceId = randomBytes(16).toString('hex')): Span[] {
  const tenant = int('runledger.tenant.id', tenantId);
  const runId = text('runledger.run.id', run);
  const crawl = [text('runledger.kind', 'item'), text('runledger.stage', 'crawl')];
  const root = at({ traceId, attributes: [text('runledger.kind', 'run'), tenant, runId] });
  return [
    root,
    at({ traceId, parentSpanId: root.spanId, attributes: [...crawl, tenant, runId, int('company.id', 1)] }),
    at({ traceId, parentSpanId: root.spanId, attributes: [...crawl, tenant, int('company.id', 2)] }),
  ];
}

const send = (...given: Span[]) => ledger.sendAs('ingest', traceBody(requestWith(...given), 'protobuf'), 'protobuf');
const rowsOfApplication = async () =>
  (await application.query('select to_jsonb(r) as row from public.enrichment_runs as r order by run_id')).rows;
const parked = () =>
  ledger.query<{ reason: string; tenant_id: number; n: number }>(
    'select reason, tenant_id, count(*)::int as n from runledger.parked_spans group by 1, 2 order by 1, 2',
  );
const counted = () =>
  ledger.query('select tenant_id, run_id, count_total from public.run_stage_stats order by tenant_id, run_id');
const difference = async () => (await audit(ledger.ownerPool)).difference;

async function newRun(tenantId: number): Promise<number> {
  const { rows } = await application.query<{ run_id: string }>(
    "insert into public.enrichment_runs (tenant_id, batch_name) values ($1, 'nightly') returning run_id",
    [tenantId],
  );
  return Number(rows[0]?.run_id);
}

test.each(['all in one request', 'children first', 'root first'])(
  'spans of a run that the application has not committed wait for it and are placed then: %s',
  async (order) => {
    const client = await application.connect();
    await client.query('begin');
    const { rows } = await client.query('insert into public.enrichment_runs (tenant_id) values (1) returning run_id');
    const runId = Number(rows[0].run_id);
    const [root, ...children] = night(1, String(runId)) as [Span, Span, Span];
    if (order === 'all in one request') await send(root, ...children);
    else {
      await send(...(order === 'children first' ? children : [root]));
      await send(...(order === 'children first' ? [root] : children));
    }
    await ledger.writer.sweepParked();
    expect(await counted()).toEqual([]);
    expect((await parked()).reduce((sum, { n }) => sum + n, 0)).toBe(4);
    await client.query('commit');
    client.release();
    for (let i = 0; i < 3; i++) await ledger.writer.sweepParked();
    expect(await parked()).toEqual([]);
    expect(await counted()).toEqual([{ tenant_id: 1, run_id: runId, count_total: 2 }]);
    await send(root, ...children);
    expect(await counted()).toEqual([{ tenant_id: 1, run_id: runId, count_total: 2 }]);
    expect(await difference()).toBe(0);
    expect(await rowsOfApplication()).toMatchObject([{ row: { run_id: runId, status: 'succeeded', pipeline: null } }]);
  },
);

test("a keyed run takes no number of the application's sequence, and neither do spans of runs that never come", async () => {
  await send(...night(1, 'nightly 2026-11-23'), ...night(1, '7'), ...night(2, '20261123'));
  await send(
    at({ attributes: [text('runledger.kind', 'heartbeat'), int('runledger.tenant.id', 1), int('run.id', 3)] }),
  );
  const ids = (await ledger.query<{ run_id: number }>('select run_id from public.enrichment_runs')).map(
    (r) => r.run_id,
  );
  expect(ids).toHaveLength(1);
  expect(ids[0]).toBeGreaterThanOrEqual(2 ** 52);
  for (const expected of [1, 2, 3, 4, 5, 6, 7, 8]) expect(await newRun(1)).toBe(expected);
  await ledger.writer.sweepParked();
  await ledger.writer.sweepParked();
  expect((await counted()).map(({ run_id }) => run_id)).toEqual([7, ids[0]]);
  expect(await parked()).toEqual([{ reason: 'run_not_found', tenant_id: 2, n: 4 }]);
  expect(await difference()).toBe(0);
});

test("another tenant's run id is never touched, whoever names it and however often", async () => {
  const runId = await newRun(1);
  await send(...night(1, String(runId)));
  const before = await rowsOfApplication();
  const counters = await counted();
  const theirs = night(2, String(runId));
  for (let i = 0; i < 2; i++) {
    await send(...theirs);
    for (const one of theirs) await send(one);
    await ledger.writer.sweepParked();
  }
  await send(
    at({ attributes: [text('runledger.kind', 'heartbeat'), int('runledger.tenant.id', 2), int('run.id', runId)] }),
  );
  expect(await rowsOfApplication()).toEqual(before);
  expect(await counted()).toEqual(counters);
  expect(await parked()).toEqual([{ reason: 'run_not_found', tenant_id: 2, n: 4 }]);
  expect(await difference()).toBe(0);
});

test('what the application says of its run stays until a run span says otherwise', async () => {
  const runId = await newRun(1);
  await application.query(
    "update public.enrichment_runs set started_at = '2026-01-01', ended_at = '2026-01-02', status = 'done' where run_id = $1",
    [runId],
  );
  const theirs = () =>
    application
      .query('select started_at, ended_at, status, batch_name from public.enrichment_runs')
      .then((r) => r.rows);
  const before = await theirs();
  const [root, ...children] = night(1, String(runId)) as [Span, Span, Span];
  await send(children[0] as Span);
  await send(at({ ...children[0], spanId: 'f'.repeat(16) }));
  await rebuild(ledger.ownerPool, { runId });
  expect(await theirs()).toEqual(before);
  await send(root, ...children);
  expect(await theirs()).toMatchObject([{ status: 'succeeded', batch_name: 'nightly' }]);
  expect(await difference()).toBe(0);
});

test('the application goes on writing its runs while their spans come in, and every number is right', async () => {
  const made: number[] = [];
  const work = async () => {
    for (let i = 0; i < 15; i++) {
      const runId = await newRun(1);
      made.push(runId);
      const sending = send(...night(1, String(runId)), ...night(2, `key ${runId}`));
      const updated = await application.query("update public.enrichment_runs set batch_name = 'b' where run_id = $1", [
        runId,
      ]);
      expect(updated.rowCount).toBe(1);
      await sending;
    }
  };
  await Promise.all([work(), work(), work()]);
  for (let i = 0; i < 2; i++) await ledger.writer.sweepParked();
  expect(await parked()).toEqual([]);
  const { rows } = await application.query<{ run_id: string }>(
    "select run_id from public.enrichment_runs where batch_name = 'b' and status = 'succeeded' order by run_id",
  );
  expect(rows.map(({ run_id }) => Number(run_id))).toEqual(made.sort((a, b) => a - b));
  expect(await counted()).toHaveLength(90);
  expect(new Set((await counted()).map(({ count_total }) => count_total))).toEqual(new Set([2]));
  expect(await difference()).toBe(0);
});

test('a limit of open runs never holds back a run of the application, made already or not yet', async () => {
  const open = { spansPerSecond: null, burstSpans: null, stagesPerRun: null, vendorsPerRun: null, parkedBytes: null };
  const held: string[] = [];
  const limited = await openLedger(database.databaseUrl, ['1', '2'], {
    quotas: () => new Map([[1, { ...open, openRuns: 1 }]]),
    clockMs: () => 0,
    held: (quota, tenantId) => held.push(`${quota} ${tenantId}`),
  });
  try {
    const sendAs = (...given: Span[]) =>
      limited.sendAs('ingest', traceBody(requestWith(...given), 'protobuf'), 'protobuf');
    const made = [await newRun(1), await newRun(1)];
    for (const runId of [...made, 900]) await sendAs(...night(1, String(runId)).slice(1));
    expect(await counted()).toEqual(made.map((run_id) => expect.objectContaining({ tenant_id: 1, run_id })));
    expect(await parked()).toContainEqual({ reason: 'run_not_found', tenant_id: 1, n: 1 });
    expect(held).toEqual([]);
    // A run of our own making is a new one, and the application's take all places.
    await expect(sendAs(...night(1, 'own').slice(1, 2))).rejects.toThrow(/as many runs open as its quota/);
    expect(held).toEqual(['open_runs 1']);
  } finally {
    await limited.close();
  }
});
