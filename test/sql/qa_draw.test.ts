import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { audit } from '../../receiver/derive/audit.ts';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { deriveRun } from '../../receiver/derive/derive_run.ts';
import { rebuild } from '../../receiver/derive/rebuild.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { createDays, ledgerRow, writeRows } from '../helpers/ledger_writer.ts';
import {
  bucketItems,
  drawnItems,
  firstByHash,
  ITEM_AT,
  numbers,
  readBucketMetrics,
  readDrawEvents,
  readSamples,
} from '../helpers/qa_items.ts';

let database: TestDatabase;
let owner: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 8 });
  await createDays(owner, '2026-03-01', '2026-03-03');
});
beforeEach(clear);
afterAll(async () => {
  await owner.end();
  await database.drop();
});

async function clear(): Promise<void> {
  const tables = 'run_event_logs enrichment_runs run_stage_stats run_vendor_usage run_metrics qa_samples'.split(' ');
  for (const table of tables) await owner.query(`delete from public.${table}`);
  await owner.query('delete from runledger.dirty_runs; delete from runledger.qa_settings where tenant_id <> 0');
}

const RUN = { tenantId: 1, runId: 7 };
const derive = () => deriveRun(owner, RUN, { now: new Date('2026-03-02T12:00:00Z'), force: true });

describe('who is drawn', () => {
  it('ten items of bucket High, those with the least hashes, once the run has ended', async () => {
    const high = numbers(1, 40);
    await writeRows(owner, [...bucketItems(high, 'High'), ...bucketItems(numbers(100, 40), 'Low')]);
    await derive();
    expect(await readSamples(owner)).toEqual([]);
    await writeRows(owner, bucketItems([900], null), { status: 'succeeded' });
    expect(await derive()).toBe('changed');
    expect(await drawnItems(owner)).toEqual(firstByHash('7', high, 10).sort());
    for (const sample of await readSamples(owner)) {
      expect(sample).toMatchObject({
        bucket: 'High',
        checks: { domain: false, about_text: false, contacts: false, rationale: false },
        result: 'needs_review',
      });
    }
  });

  it('the same when the run is sent again elsewhere, in another order and under other numbers', async () => {
    const texts = numbers(0, 60).map((number) => `company ${number}`);
    const send = async (tenant_id: number, run_id: number, order: string[]) => {
      for (const [index, item_id] of order.entries()) {
        // Numbers of text items are hashes with the tenant in them, so they differ from tenant to tenant.
        const company_id = 2 ** 52 + tenant_id * 1_000 + texts.indexOf(item_id) * (tenant_id === 1 ? 1 : 7);
        const ts = `2026-03-01 10:00:00.${100_000 + texts.indexOf(item_id)}+00`;
        const rows = bucketItems([company_id], 'High', { tenant_id, run_id, ts, extra: { item_id } });
        await writeRows(owner, rows, index === order.length - 1 ? { status: 'succeeded' } : {});
      }
      await owner.query(`update public.enrichment_runs set run_key = 'nightly/1' where run_id = $1`, [run_id]);
    };
    await send(1, 7, texts);
    await send(2, 8, texts.toReversed());
    await deriveDue(owner, { all: true });
    expect(await drawnItems(owner)).toEqual(firstByHash('nightly/1', texts, 10).sort());
    expect(await drawnItems(owner, 8, 2)).toEqual(await drawnItems(owner));
  });

  it('an item is in the bucket of its latest event that has one, whatever its case', async () => {
    const at = (second: number) => ({ ts: `2026-03-01 10:00:0${second}+00` });
    const rows = [
      ...bucketItems([1], 'High', at(1)),
      ...bucketItems([1], 'Low', at(2)),
      ...bucketItems([2], 'low', at(1)),
      ...bucketItems([2], 'HIGH', at(2)),
      ...bucketItems([2], null, at(3)),
      ...bucketItems([3], 'Medium'),
      ...bucketItems([4], 'other'),
    ];
    await writeRows(owner, rows, { status: 'failed' });
    await derive();
    expect(await drawnItems(owner)).toEqual(['2']);
    expect(await readBucketMetrics(owner)).toEqual({ bucket_high: '1', bucket_medium: '1', bucket_low: '1' });
  });

  it("limits, buckets and checklists are the tenant's own where it has them", async () => {
    await owner.query(`insert into runledger.qa_settings (tenant_id, bucket, sample_limit, checks)
      values (1, 'high', 3, '{"logo": false}'), (1, 'medium', 2, default), (2, 'high', 0, default)`);
    const rows = [...bucketItems(numbers(1, 20), 'High'), ...bucketItems(numbers(50, 20), 'Medium')];
    const other = bucketItems(numbers(1, 20), 'High', { tenant_id: 2 });
    await writeRows(owner, [...rows, ...other, ...bucketItems(numbers(1, 20), 'High', { tenant_id: 3 })], {
      status: 'succeeded',
    });
    await deriveDue(owner, { all: true });
    const drawn = [...firstByHash('7', numbers(1, 20), 3), ...firstByHash('7', numbers(50, 20), 2)];
    expect(await drawnItems(owner)).toEqual(drawn.sort());
    expect(await drawnItems(owner, 7, 2)).toEqual([]);
    expect(await drawnItems(owner, 7, 3)).toHaveLength(10);
    expect((await readSamples(owner)).filter(({ checks }) => 'logo' in checks)).toHaveLength(3);
  });

  it.each([
    `(1, 'High', 10, default)`,
    `(1, 'high', -1, default)`,
    `(1, 'high', 201, default)`,
    `(1, 'high', 10, '[]')`,
    `(1, 'high', 10, '{"domain": "no"}')`,
  ])('a setting that cannot be meant is refused: %s', async (values) => {
    await expect(
      owner.query(`insert into runledger.qa_settings (tenant_id, bucket, sample_limit, checks) values ${values}`),
    ).rejects.toMatchObject({ code: '23514' });
  });
});

describe('what a draw leaves behind', () => {
  it('one qa_sampled event an item at its time and span, which counts as a change and moves no counter', async () => {
    const rows = bucketItems(numbers(1, 12), 'High', { ts: '2026-03-01 23:59:59.999999+00', stage: 'score' });
    await writeRows(owner, rows, { status: 'succeeded' });
    const dirty = async () => (await owner.query('select changes, due_at from runledger.dirty_runs')).rows;
    expect(await derive()).toBe('changed');
    expect(await dirty()).toMatchObject([{ changes: 22, due_at: expect.any(Date) }]);
    expect(await derive()).toBe('derived');
    expect(await dirty()).toEqual([]);
    const spans = new Map(rows.map((row) => [row.company_id, row.span_id]));
    const events = await readDrawEvents(owner);
    expect(events).toHaveLength(10);
    for (const event of events) {
      expect(event).toMatchObject({
        event: 'qa_sampled',
        kind: 'event',
        stage: 'score',
        ts: '2026-03-01 23:59:59.999999+00',
        span_id: spans.get(event.company_id),
        units_total: 0,
        calls: 0,
        cost_usd: null,
        bucket: null,
      });
    }
    expect((await readSamples(owner)).map((sample) => sample.company_id)).toEqual(events.map((e) => e.company_id));
    expect((await audit(owner)).difference).toBe(0);
    expect((await rebuild(owner)).changes).toEqual([]);
  });

  it("the item's events, costs and links, of which there are never more than fifty", async () => {
    const second = (n: number) => `2026-03-01 10:00:${String(n).padStart(2, '0')}+00`;
    const calls = numbers(0, 58).map((n) =>
      ledgerRow({
        ...ITEM_AT,
        ts: second(n),
        kind: 'vendor_call',
        company_id: 1,
        cost_usd: n === 3 ? null : '0.0000000010',
      }),
    );
    const last = bucketItems([1], 'High', { ts: second(58), extra: { domain: 'example.com' } });
    await writeRows(owner, [...calls, ...last, ...bucketItems([2], 'Low')], { status: 'succeeded' });
    await owner.query(`update public.enrichment_runs set langsmith_trace_url = 'https://smith.langchain.com/r/1'`);
    await derive();
    const [sample] = await readSamples(owner);
    expect(sample?.facts).toMatchObject({
      events_total: 59,
      cost_usd: '0.000000057',
      unpriced_calls: 1,
      extra: { domain: 'example.com' },
      links: { trace_id: 'a'.repeat(32), langsmith_trace_url: 'https://smith.langchain.com/r/1' },
    });
    const events = sample?.facts.events ?? [];
    expect(events.map((event) => Date.parse(event.ts) / 1000 - Date.parse(second(0)) / 1000)).toEqual(numbers(9, 50));
    expect(events[0]).toMatchObject({ kind: 'vendor_call', vendor: 'openai', cost_usd: '0.000000001' });
    expect(Buffer.byteLength(JSON.stringify(sample?.facts))).toBeLessThan(25_000);
  });

  it('counted buckets beside stated numbers: they show first, and audit and rebuild leave both', async () => {
    const metrics = { set: { bucket_high: '99', other: '5' }, add: { bucket_low: '1' } };
    await writeRows(owner, [ledgerRow({ ...ITEM_AT, kind: 'run', metrics }), ...bucketItems([1, 2], null)]);
    await derive();
    expect(await readBucketMetrics(owner)).toEqual({ bucket_high: '99', bucket_low: '1' });
    await writeRows(owner, bucketItems([1, 2], 'high'));
    await derive();
    const counted = { bucket_high: '2', bucket_medium: '0', bucket_low: '0' };
    expect(await readBucketMetrics(owner)).toEqual(counted);
    expect((await audit(owner)).difference).toBe(0);
    expect((await rebuild(owner)).changes).toEqual([]);
    await owner.query(`update public.run_metrics set set_value = 3, added_value = 4`);
    // Both parts of four numbers, and bucket_medium, which no event states, as a row.
    expect((await audit(owner)).difference).toBe(9);
    await rebuild(owner);
    expect((await audit(owner)).difference).toBe(0);
    expect(await readBucketMetrics(owner)).toEqual(counted);
    // Without its events, a run has nothing left to be counted from.
    await owner.query('update public.run_event_logs set bucket = null');
    await owner.query(`insert into runledger.dirty_runs values (1, 7, now(), now(), 1) on conflict do nothing`);
    await derive();
    expect(await readBucketMetrics(owner)).toEqual({ bucket_high: '99', bucket_low: '1' });
    expect((await audit(owner)).difference).toBe(0);
  });
});
