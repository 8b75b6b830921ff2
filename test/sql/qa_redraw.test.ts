import fc from 'fast-check';
import pg, { type Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { audit } from '../../receiver/derive/audit.ts';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { deriveRun } from '../../receiver/derive/derive_run.ts';
import { rebuild } from '../../receiver/derive/rebuild.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { createDays, writeRows } from '../helpers/ledger_writer.ts';
import { killWaiting, waitForLockWait, whileLocked } from '../helpers/lock_waits.ts';
import {
  bucketItems,
  drawnItems,
  firstByHash,
  numbers,
  readBucketMetrics,
  readDrawEvents,
  readSamples,
} from '../helpers/qa_items.ts';

let database: TestDatabase;
let owner: Pool;
let superuser: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 8 });
  superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 2 });
  await createDays(owner, '2026-03-01', '2026-03-03');
});
beforeEach(clear);
afterAll(async () => {
  await Promise.all([owner.end(), superuser.end()]);
  await database.drop();
});

async function clear(): Promise<void> {
  const tables = 'run_event_logs enrichment_runs run_stage_stats run_vendor_usage run_metrics qa_samples'.split(' ');
  for (const table of tables) await owner.query(`delete from public.${table}`);
  await owner.query('delete from runledger.dirty_runs; delete from runledger.qa_settings where tenant_id <> 0');
}

const RUN = { tenantId: 1, runId: 7 };
const derive = () => deriveRun(owner, RUN, { now: new Date('2026-03-02T12:00:00Z'), force: true });
const sorted = (items: (number | string)[]) => items.map(String).sort();

describe('drawing again', () => {
  const review = () =>
    owner.query(`update public.qa_samples set result = 'fail', notes = 'no', checks = '{"domain": true}', reviewer = 'ann',
      reviewed_at = '2026-03-02 08:00:00+00'`);

  it('late items fill free places only, and rows that were drawn or reviewed stay as they are', async () => {
    await writeRows(owner, bucketItems(numbers(1, 6), 'High'), { status: 'succeeded' });
    await derive();
    await review();
    const reviewed = await readSamples(owner);
    expect(reviewed).toHaveLength(6);
    await writeRows(owner, bucketItems(numbers(20, 30), 'High', { ts: '2026-03-01 11:00:00+00' }));
    await derive();
    expect(await drawnItems(owner)).toEqual(sorted([...numbers(1, 6), ...firstByHash('7', numbers(20, 30), 4)]));
    const before = await readSamples(owner);
    expect(before.slice(0, 6)).toEqual(reviewed);
    // Later still: no place is free, and an item that is in the queue has changed its mind.
    await writeRows(owner, bucketItems(numbers(100, 50), 'High'));
    await writeRows(owner, bucketItems([1, 2], 'Low', { ts: '2026-03-02 11:00:00+00' }));
    await derive();
    await rebuild(owner);
    await derive();
    expect(await readSamples(owner)).toEqual(before);
    expect(await readDrawEvents(owner)).toHaveLength(10);
  });

  it('a lower limit takes nothing away, a sample removed for its age is not drawn again', async () => {
    await writeRows(owner, bucketItems(numbers(1, 15), 'High'), { status: 'succeeded' });
    await derive();
    const [first] = await readSamples(owner);
    await owner.query('delete from public.qa_samples where company_id = $1', [first?.company_id]);
    await owner.query(`insert into runledger.qa_settings (tenant_id, bucket, sample_limit) values (1, 'high', 2)`);
    await writeRows(owner, bucketItems([99], 'High'));
    await derive();
    expect(await readSamples(owner)).toHaveLength(9);
    await owner.query('delete from runledger.qa_settings where tenant_id = 1');
    await writeRows(owner, bucketItems([98], 'High'));
    await derive();
    expect(await readSamples(owner)).toHaveLength(9);
  });

  it('a run below the retention floor is not drawn from', async () => {
    await writeRows(owner, bucketItems(numbers(1, 15), 'High'), { status: 'succeeded' });
    await owner.query(`update runledger.retention set floor_day = '2026-03-02'`);
    try {
      expect(await derive()).toBe('dropped');
      expect(await readSamples(owner)).toEqual([]);
      expect(await readBucketMetrics(owner)).toEqual({});
    } finally {
      await owner.query(`update runledger.retention set floor_day = '2000-01-01'`);
    }
  });

  it('a run that goes on again while the draw is computed is not drawn from yet', async () => {
    await writeRows(owner, bucketItems(numbers(1, 15), 'High'), { status: 'succeeded' });
    let deriving: Promise<unknown> = Promise.resolve();
    await writeRows(owner, bucketItems([50], 'High'), {
      status: 'running',
      beforeCommit: async () => {
        deriving = derive();
        await waitForLockWait(owner);
      },
    });
    expect(await deriving).toBe('changed');
    expect(await readSamples(owner)).toEqual([]);
    await writeRows(owner, bucketItems([51], 'High'), { status: 'succeeded' });
    await derive();
    expect(await drawnItems(owner)).toEqual(firstByHash('7', [...numbers(1, 15), 50, 51], 10).sort());
  });

  it('a derive that dies before its commit has drawn nothing, and the next draws the same', async () => {
    await writeRows(owner, bucketItems(numbers(1, 30), 'High'), { status: 'succeeded' });
    await whileLocked(owner, 'run_id = 7', async () => {
      const killing = waitForLockWait(owner).then(() => killWaiting(superuser));
      const [outcome] = await Promise.allSettled([derive(), killing]);
      expect(outcome).toMatchObject({ status: 'rejected' });
    });
    expect(await readSamples(owner)).toEqual([]);
    expect(await readDrawEvents(owner)).toEqual([]);
    const results = await Promise.all([1, 2, 3].map(() => deriveDue(owner, { all: true })));
    expect(results.flatMap(({ failures }) => failures)).toEqual([]);
    expect(await drawnItems(owner)).toEqual(firstByHash('7', numbers(1, 30), 10).sort());
    expect(await readDrawEvents(owner)).toHaveLength(10);
  });

  it('any sequence of writes, reviews, kills and derives keeps the limit, what was drawn and one event a sample', async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ write: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 }) }),
      },
      { weight: 3, arbitrary: fc.constant('derive' as const) },
      { weight: 1, arbitrary: fc.constantFrom('review' as const, 'kill' as const, 'two' as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
        await clear();
        await writeRows(owner, bucketItems([1], 'Low'), { status: 'succeeded' });
        let before = await readSamples(owner);
        for (const one of [...steps, 'derive', 'derive'] as const) {
          if (typeof one === 'object') await writeRows(owner, bucketItems([...new Set(one.write)], 'High'));
          else if (one === 'derive') await derive();
          else if (one === 'two') await Promise.all([derive(), derive()]);
          else if (one === 'kill') await killedDerive();
          else await review();
          const now = await readSamples(owner);
          expect(now.length).toBeLessThanOrEqual(10);
          if (one !== 'review') expect(now).toEqual(expect.arrayContaining(before));
          expect((await readDrawEvents(owner)).map((e) => e.company_id)).toEqual(now.map((s) => s.company_id));
          before = now;
        }
        const { rows } = await owner.query(
          `select count(distinct company_id)::int as items from public.run_event_logs where bucket = 'High'`,
        );
        expect(before).toHaveLength(Math.min(10, rows[0].items));
        expect((await audit(owner)).difference).toBe(0);
      }),
      { numRuns: 25, seed: 20260302 },
    );
  });

  /** A derive whose session is ended while it waits for the run row; none when there is nothing to derive. */
  async function killedDerive(): Promise<void> {
    const { rows } = await owner.query('select 1 from runledger.dirty_runs');
    if (rows.length === 0) return;
    await whileLocked(owner, 'run_id = 7', async () => {
      const killing = waitForLockWait(owner).then(() => killWaiting(superuser));
      await Promise.allSettled([derive(), killing]);
    });
  }
});
