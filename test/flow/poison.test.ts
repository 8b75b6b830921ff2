/**
 * Rows that the database will never take, days that retention drops under the writer's feet, and pools without a free connection: what is at
 * fault is refused alone, visibly and once; whatever came with it is stored.
 */
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { audit } from '../../receiver/derive/audit.ts';
import { LIMITS } from '../../receiver/limits.ts';
import { blankRow, type EventRow, type MappedChunk } from '../../receiver/map/row.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createWriter, type Writer, WriteUnavailable } from '../../receiver/write/writer.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

let database: TestDatabase;
let ingest: pg.Pool;
let owner: pg.Pool;
let writer: Writer;
let logged: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  ingest = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_ingest', maxConnections: 6 });
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 2 });
});
beforeEach(async () => {
  logged = [];
  writer = await createWriter({ pool: ingest, log: (line) => logged.push(line) });
});
afterEach(async () => {
  vi.useRealTimers();
  await writer.close();
  await owner.query(`truncate public.enrichment_runs, public.run_event_logs, public.run_stage_stats, public.run_vendor_usage,
    public.run_metrics, runledger.trace_bindings, runledger.parked_spans, runledger.dirty_runs, runledger.refusals`);
  await owner.query("update runledger.retention set floor_day = '2000-01-01'");
});
afterAll(async () => {
  await ingest.end();
  await owner.end();
  await database.drop();
});

const TENANT = 5;
const DAY_US = 86_400_000_000;
let spans = 0;

function item(given: Partial<EventRow> = {}): EventRow {
  spans++;
  return {
    ...blankRow(TENANT, { id: 1 }),
    tsUs: Date.now() * 1000,
    spanId: spans.toString(16).padStart(16, '0'),
    traceId: 'a'.repeat(32),
    seq: 1,
    kind: 'item',
    stage: 'crawl',
    event: 'finish',
    unitsTotal: 1,
    unitsSuccess: 1,
    ...given,
  };
}

function chunk(rows: EventRow[], given: Partial<MappedChunk> = {}): MappedChunk {
  const none = { bindings: [], heartbeats: [], refusals: [], rootsWithoutRun: [], unknownTenants: new Set<string>() };
  return { ...none, otherSpans: 0, ...given, rows };
}

async function one<T>(sql: string): Promise<T | undefined> {
  const { rows } = await owner.query<{ value: T }>(sql);
  return rows[0]?.value;
}

const storedSpans = async () =>
  (await owner.query<{ span_id: string }>('select span_id from public.run_event_logs order by span_id')).rows.map(
    (row) => row.span_id,
  );
const refusals = async () =>
  (await owner.query<{ reason: string; spans: number }>('select reason, spans from runledger.refusals order by 1'))
    .rows;
const difference = async () => (await audit(owner)).difference;

/** A counter so near its end that the next large number does not fit: the one way to overflow it, as single numbers are capped. */
async function fillCounter(stage: string): Promise<void> {
  await owner.query(`update public.run_stage_stats set tokens_input = 9223372036854775807 - 1000 where stage = $1`, [
    stage,
  ]);
}

test.each([
  ['a status that is none', { status: 'great' }, '23514'],
  ['more errors than calls', { kind: 'vendor_call' as const, vendor: 'v', calls: 1, errors: 2 }, '23514'],
  ['a stage that is too long', { stage: 's'.repeat(65) }, '22001'],
  ['an event that is too long', { event: 'e'.repeat(65) }, '22001'],
  ['a text with NUL', { errorCode: 'a\0b' }, '22021'],
  ['extra that is no JSON', { extra: '{"a":' }, '22P02'],
])('%s is refused alone, and everything sent with it is stored', async (_, bad, code) => {
  const good = Array.from({ length: 9 }, () => item());
  const poison = item(bad);
  const sent = [
    writer.write(chunk([...good.slice(0, 4), poison, ...good.slice(4, 6)])),
    writer.write(chunk(good.slice(6, 8))),
    writer.write(chunk(good.slice(8))),
  ];
  const [refused, ...others] = await Promise.all(sent);
  expect(refused).toEqual([
    { tenantId: TENANT, reason: 'not_storable', message: `the database refused a value (${code})` },
  ]);
  expect(others).toEqual([[], []]);
  expect(await storedSpans()).toEqual(good.map((row) => row.spanId).sort());
  expect(await refusals()).toEqual([{ reason: 'not_storable', spans: 1 }]);
  expect(logged).toEqual([`a row was refused by the database: ${code}`]);
  expect(await difference()).toBe(0);
});

test('a row that overflows a counter is refused, in a resend too, and the counter stays what it was', async () => {
  await writer.write(chunk([item()]));
  await fillCounter('crawl');
  const poison = item({ tokensInput: 2_000 });
  const good = [item({ tokensInput: 10 }), item({ stage: 'score' })];
  for (let i = 0; i < 2; i++) {
    const refused = await writer.write(chunk([good[0] as EventRow, poison, good[1] as EventRow]));
    expect(refused.map(({ reason }) => reason)).toEqual(['not_storable']);
  }
  expect(await storedSpans()).not.toContain(poison.spanId);
  expect(await one("select tokens_input::text as value from public.run_stage_stats where stage = 'crawl'")).toBe(
    '9223372036854774817',
  );
  expect(await one("select count_total as value from public.run_stage_stats where stage = 'crawl'")).toBe(2);
});

test('a root whose trace has a parked row that cannot be stored is stored, and does not come back for ever', async () => {
  await writer.write(chunk([item()]));
  await fillCounter('crawl');
  const traceId = 'b'.repeat(32);
  const waiting = [item({ run: null, runId: 0, traceId, tokensInput: 2_000 }), item({ run: null, runId: 0, traceId })];
  expect(await writer.write(chunk(waiting))).toEqual([]);
  const root = item({ traceId, kind: 'run', stage: '_run', unitsTotal: 0, unitsSuccess: 0 });
  const binding = { tenantId: TENANT, run: { id: 1 }, traceId, claimsTenantless: false };
  const bystander = item({ tenantId: 6 });
  const results = await Promise.all([
    writer.write(chunk([root], { bindings: [binding] })),
    writer.write(chunk([bystander])),
  ]);
  expect(results).toEqual([[], []]);
  expect(await storedSpans()).toEqual(expect.arrayContaining([root.spanId, bystander.spanId]));
  // The job that places parked rows goes on to others, and what it cannot place stays in sight.
  const otherTrace = 'c'.repeat(32);
  await owner.query(
    `insert into runledger.trace_bindings values (${TENANT}, '${otherTrace}', ${TENANT}, 1, now());
     insert into runledger.parked_spans select tenant_id, '${otherTrace}', ts, '00000000000000ff', seq, reason, run_id,
       row || '{"spanId": "00000000000000ff", "tokensInput": 0, "traceId": "${otherTrace}"}', parked_at
     from runledger.parked_spans limit 1`,
  );
  await writer.sweepParked();
  expect(await storedSpans()).toContain('00000000000000ff');
  expect(await one('select count(*) as value from runledger.parked_spans')).toBeGreaterThan(0);
});

test('the largest numbers of as many rows as may wait for one trace are summed exactly', async () => {
  const most = LIMITS.countPerSpan;
  const traceId = 'd'.repeat(32);
  const rows = Array.from({ length: LIMITS.parkedRows }, () =>
    item({ run: null, runId: 0, traceId, tokensInput: most - 1 }),
  );
  for (let at = 0; at < rows.length; at += 2_000) await writer.write(chunk(rows.slice(at, at + 2_000)));
  const binding = { tenantId: TENANT, run: { id: 1 }, traceId, claimsTenantless: false };
  await writer.write(chunk([item({ traceId })], { bindings: [binding] }));
  expect(await one('select tokens_input::text as value from public.run_stage_stats')).toBe(
    String(BigInt(most - 1) * BigInt(LIMITS.parkedRows)),
  );
  expect(await difference()).toBe(0);
});

test('a day that retention drops while it is written to is too old from then on, and the other days go on', async () => {
  const old = Date.now() * 1000 - 10 * DAY_US;
  const day = new Date(old / 1000).toISOString().slice(0, 10);
  await writer.write(chunk([item({ tsUs: old })]));
  // As the retention job does it: the floor moves in the transaction that drops.
  await owner.query(`begin; update runledger.retention set floor_day = '${day}'::date + 1;
    drop table runledger.events_${day.replaceAll('-', '')}; commit`);
  const good = item();
  const refused = await writer.write(chunk([item({ tsUs: old }), good, item({ tsUs: old })]));
  expect(refused.map(({ reason }) => reason)).toEqual(['too_old', 'too_old']);
  expect(await storedSpans()).toEqual([good.spanId]);
  expect(await refusals()).toEqual([{ reason: 'too_old', spans: 2 }]);
  expect(await one(`select to_regclass('runledger.events_${day.replaceAll('-', '')}')::text as value`)).toBeNull();
});

test('waiting rows of a dropped day are counted as too old once, however often their group is tried', async () => {
  const traceId = 'e'.repeat(32);
  const waits = (daysAgo: number) => item({ run: null, runId: 0, traceId, tsUs: Date.now() * 1000 - daysAgo * DAY_US });
  const kept = waits(1);
  await writer.write(chunk([waits(10), kept, waits(10)]));
  await owner.query("update runledger.retention set floor_day = (now() at time zone 'UTC')::date - 5");
  const good = Array.from({ length: 7 }, () => item());
  const poison = item({ status: 'great' });
  const binding = { tenantId: TENANT, run: { id: 1 }, traceId, claimsTenantless: false };
  await writer.write(chunk([...good, poison], { bindings: [binding] }));
  expect(await storedSpans()).toEqual([...good, kept].map((row) => row.spanId).sort());
  expect(await refusals()).toEqual([
    { reason: 'not_storable', spans: 1 },
    { reason: 'too_old', spans: 2 },
  ]);
  expect(await one('select count(*) as value from runledger.parked_spans')).toBe(0);
  expect(await difference()).toBe(0);
});

test('a partition that somebody dropped by hand is made again, and nothing is refused', async () => {
  const at = Date.now() * 1000 - 12 * DAY_US;
  const day = new Date(at / 1000).toISOString().slice(0, 10).replaceAll('-', '');
  await writer.write(chunk([item({ tsUs: at })]));
  await owner.query(`drop table runledger.events_${day}`);
  expect(await writer.write(chunk([item({ tsUs: at })]))).toEqual([]);
  expect(await storedSpans()).toHaveLength(1);
});

test("a server's clock that jumps changes no counter", async () => {
  const rows = Array.from({ length: 4 }, () => item());
  const now = Date.now();
  vi.useFakeTimers({ toFake: ['Date'] });
  for (const [index, jumpMs] of [0, -3_600_000, 86_400_000, -86_400_000].entries()) {
    vi.setSystemTime(now + jumpMs);
    await writer.write(chunk(rows.slice(0, index + 1)));
  }
  expect(await storedSpans()).toHaveLength(4);
  expect(await one('select count_total as value from public.run_stage_stats')).toBe(4);
  expect(await difference()).toBe(0);
});

test('a pool without a free connection: thirty requests wait a bounded time, and what waited in vain is not kept', async () => {
  const small = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_ingest', maxConnections: 1 });
  const hungry = await createWriter({ pool: small });
  const held = await small.connect();
  const started = performance.now();
  const results = await Promise.allSettled(Array.from({ length: 30 }, () => hungry.write(chunk([item()]))));
  expect(performance.now() - started).toBeLessThan(10_000);
  for (const result of results) expect(result).toMatchObject({ reason: expect.any(WriteUnavailable) });
  held.release();
  expect(await hungry.write(chunk([item()]))).toEqual([]);
  await hungry.close();
  expect(hungry.waitingRows()).toBe(0);
  await small.end();
});
