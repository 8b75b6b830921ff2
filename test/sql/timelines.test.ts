/** Timelines that derive keeps of large runs: readers get what the events would give, and never an old one. */
import fc from 'fast-check';
import type { Pool, PoolClient } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { keepTimeline, LARGE_TIMELINE_ROWS, TIMELINE_STEPS } from '../../receiver/derive/timelines.ts';
import { createPool, inTransaction } from '../../receiver/store/pool.ts';
import { loadSql } from '../../receiver/store/sql.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { createDays, type LedgerRow, ledgerRow, writeRows } from '../helpers/ledger_writer.ts';

const RUN = { tenant_id: 1, run_id: 7 };

let database: TestDatabase;
let owner: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 2 });
  await createDays(owner, '2026-03-01', '2026-03-03');
});
beforeEach(clear);
afterAll(async () => {
  await owner.end();
  await database.drop();
});

async function clear(): Promise<void> {
  for (const table of 'run_event_logs enrichment_runs run_stage_stats run_vendor_usage run_metrics'.split(' '))
    await owner.query(`delete from public.${table}`);
  for (const table of 'dirty_runs trend_buckets run_timelines model_usage'.split(' '))
    await owner.query(`delete from runledger.${table}`);
}

interface Bounds {
  from: string;
  to: string;
}

/** As the API has the bounds of a run. */
async function boundsOf(client: Pool | PoolClient): Promise<Bounds> {
  const { rows } = await client.query(
    `select to_json(first_event_at) #>> '{}' as from, to_json(last_event_at) #>> '{}' as to from public.enrichment_runs`,
  );
  return rows[0];
}

/** As the API asks. */
async function timeline(client: PoolClient, steps: number): Promise<object[]> {
  const { from, to } = await boundsOf(client);
  const stepMs = Math.max(1, Math.ceil((Date.parse(to) - Date.parse(from) + 1) / steps));
  const values = [RUN.tenant_id, RUN.run_id, from, to, steps, stepMs];
  return (await client.query(loadSql('queries/serve/timeline'), values)).rows;
}

async function keep(largeFrom: number): Promise<void> {
  const { from, to } = await boundsOf(owner);
  await inTransaction(owner, (client) => keepTimeline(client, [RUN.tenant_id, RUN.run_id, from, to], largeFrom));
}

/** What is read, and what the events give once nothing is kept. */
async function bothWays(steps: number): Promise<[object[], object[]]> {
  const client = await owner.connect();
  try {
    await client.query('begin');
    const read = await timeline(client, steps);
    await client.query('delete from runledger.run_timelines');
    return [read, await timeline(client, steps)];
  } finally {
    await client.query('rollback');
    client.release();
  }
}

async function keptCount(): Promise<number> {
  return (await owner.query('select count(*)::int as n from runledger.run_timelines')).rows[0]?.n;
}

/** Microseconds after midnight of 1 March, over two days. */
const at = fc.oneof(fc.integer({ min: 0, max: 172_799_999_999 }), fc.integer({ min: 0, max: 300_000 }));
const row = fc.record({
  at,
  kind: fc.constantFrom('item' as const, 'vendor_call' as const, 'event' as const),
  status: fc.constantFrom('ok' as const, 'error' as const, 'skip' as const),
  stage: fc.constantFrom('crawl', 'score', 'Übung'),
  duration_ms: fc.option(fc.nat({ max: 5_000 })),
});

function toRow({ at: micros, ...given }: Omit<Partial<LedgerRow>, 'kind'> & Pick<LedgerRow, 'kind'> & { at: number }) {
  const start = Date.parse('2026-03-01T00:00:00Z') + Math.floor(micros / 1000);
  const ts = new Date(start).toISOString().replace('Z', `${String(micros % 1000).padStart(3, '0')}+00`);
  return ledgerRow({ ...RUN, ...given, ts });
}

it('are what the events give, to the microsecond, and are not read once a row came', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 40 }), row, async (rows, late) => {
      await clear();
      await writeRows(owner, rows.map(toRow), { status: 'succeeded' });
      await keep(0);
      expect(await keptCount()).toBe(1);
      const [read, counted] = await bothWays(TIMELINE_STEPS);
      expect(read).toEqual(counted);
      const ended = rows.filter(({ kind }) => kind !== 'event').length;
      const total = (name: string) => counted.reduce((sum, one) => sum + Number(Reflect.get(one, name)), 0);
      expect(total('items_ok') + total('items_error') + total('items_skip') + total('vendor_calls')).toBe(ended);
      await writeRows(owner, [toRow(late)]);
      for (const steps of [TIMELINE_STEPS, 7]) {
        const [later, recounted] = await bothWays(steps);
        expect(later).toEqual(recounted);
      }
    }),
    { numRuns: 40 },
  );
}, 400_000);

it('are read instead of the events, also when those are gone', async () => {
  const rows = Array.from({ length: 30 }, (_, place) => toRow({ at: place * 61_000_000, kind: 'item' }));
  await writeRows(owner, rows, { status: 'succeeded' });
  await keep(0);
  const [before] = await bothWays(TIMELINE_STEPS);
  await owner.query('delete from public.run_event_logs');
  const [after, counted] = await bothWays(TIMELINE_STEPS);
  expect(after).toEqual(before);
  expect(after).toHaveLength(30);
  expect(counted).toEqual([]);
});

it('are kept by the derive of a large run that has ended, and of no other', async () => {
  const rows = Array.from({ length: 5 }, (_, place) => toRow({ at: place * 61_000_000, kind: 'item' }));
  const derive = async (status: 'running' | 'succeeded', storedItems: number) => {
    await writeRows(owner, [toRow({ at: 1, kind: 'vendor_call' })], { status });
    await owner.query('update public.enrichment_runs set stored_items = $1', [storedItems]);
    expect((await deriveDue(owner, { all: true })).failures).toEqual([]);
    return keptCount();
  };
  await writeRows(owner, rows);
  expect(await derive('running', LARGE_TIMELINE_ROWS)).toBe(0);
  expect(await derive('succeeded', 5)).toBe(0);
  expect(await derive('succeeded', LARGE_TIMELINE_ROWS)).toBe(1);
});

it('are not kept of a run that changed since its bounds were read, or lost events', async () => {
  await writeRows(owner, [toRow({ at: 5_000_000, kind: 'item' })], { status: 'succeeded' });
  const { from, to } = await boundsOf(owner);
  await writeRows(owner, [toRow({ at: 9_000_000, kind: 'item' })]);
  await inTransaction(owner, (client) => keepTimeline(client, [RUN.tenant_id, RUN.run_id, from, to], 0));
  expect(await keptCount()).toBe(0);
  await owner.query("update runledger.retention set floor_day = '2026-03-02'");
  await keep(0);
  expect(await keptCount()).toBe(0);
  await owner.query("update runledger.retention set floor_day = '2000-01-01'");
  await keep(0);
  expect(await keptCount()).toBe(1);
});
