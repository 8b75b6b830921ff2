import fc from 'fast-check';
import pg, { type Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { deriveRun } from '../../receiver/derive/derive_run.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { createDays, type LedgerRow, ledgerRow, sequence, writeRows } from '../helpers/ledger_writer.ts';
import { killWaiting, waitForLockWait, whileLocked } from '../helpers/lock_waits.ts';

let database: TestDatabase;
let owner: Pool;
let superuser: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 4 });
  superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 2 });
  await createDays(owner, '2026-03-01', '2026-03-02');
});
beforeEach(clear);
afterAll(async () => {
  await Promise.all([owner.end(), superuser.end()]);
  await database.drop();
});

async function clear(): Promise<void> {
  const tables = 'run_event_logs enrichment_runs run_stage_stats run_vendor_usage run_metrics'.split(' ');
  for (const table of tables) await owner.query(`delete from public.${table}`);
  await owner.query('delete from runledger.dirty_runs; delete from runledger.trend_buckets');
}

const AT = { tenant_id: 1, run_id: 7, ts: '2026-03-01 10:00:00+00' };

function items(durations: (number | null)[], given: Partial<LedgerRow> = {}): LedgerRow[] {
  return durations.map((duration_ms) => ledgerRow({ ...AT, kind: 'item', duration_ms, ...given }));
}

async function readTrends() {
  const { rows } = await owner.query(
    `select run_id, stage, class, samples, zeros, bucket_index, bucket_count from runledger.trend_buckets
     order by tenant_id, run_id, stage, class`,
  );
  return rows;
}

/** Quantiles over the trend rows of class item, and percentile_cont over the events that they stand for. */
async function bothQuantiles(fractions: number[]): Promise<{ trend: number; exact: number }[]> {
  const { rows } = await owner.query(
    `select
       (select runledger.trend_quantile(array_agg(t), f) from runledger.trend_buckets t where t.class = 'item') as trend,
       (select percentile_cont(f) within group (order by e.duration_ms) from public.run_event_logs e where e.kind = 'item') as exact
     from unnest($1::double precision[]) with ordinality as u (f, place)
     order by place`,
    [fractions],
  );
  return rows;
}

/** Shapes of durations that pipelines have; each maps a number in [0, 1) to milliseconds. */
const SHAPES: Record<string, (part: number) => number> = {
  uniform: (part) => part * 5_000,
  small: (part) => part * 4,
  exponential: (part) => -800 * Math.log(1 - part),
  log_uniform: (part) => Math.exp(part * 21),
  heavy_tail: (part) => Math.min(2_000_000_000, 20 / (1 - part) ** 1.5),
  two_humps: (part) => (part < 0.94 ? 40 + part * 10 : 30_000 + part * 5_000),
  steps: (part) => Math.floor(part * 3) * 10_000,
};

describe('quantiles from buckets', () => {
  it('are within 1% of percentile_cont, whatever the shape, the number of runs and the fraction', async () => {
    const part = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const run = fc.record({
      shape: fc.constantFrom(...Object.keys(SHAPES)),
      parts: fc.array(part, { minLength: 1, maxLength: 120 }),
    });
    const fractions = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(run, { minLength: 1, maxLength: 4 }), fractions, async (runs, some) => {
        await clear();
        const rows = runs.flatMap(({ shape, parts }, index) =>
          items(
            parts.map((value) => Math.floor(SHAPES[shape]?.(value) ?? 0)),
            { run_id: 7 + index },
          ),
        );
        await writeRows(owner, rows, { status: 'succeeded' });
        await deriveDue(owner, { all: true });
        for (const { trend, exact } of await bothQuantiles([0, 0.5, 0.95, 0.99, 1, ...some])) {
          expect(Math.abs(trend - exact), `${trend} for ${exact}`).toBeLessThanOrEqual(exact * 0.01 + 1e-9);
        }
      }),
      { numRuns: 60, seed: 20260301 },
    );
  });

  it('are exact up to 50 ms and interpolate between far neighbours', async () => {
    await writeRows(owner, items([...Array(51).keys()]), { status: 'succeeded' });
    await deriveDue(owner, { all: true });
    for (const { trend, exact } of await bothQuantiles([0, 0.013, 0.5, 0.77, 0.95, 1]))
      expect(trend).toBeCloseTo(exact, 9);
    await clear();
    await writeRows(owner, items([1, 1000]), { status: 'succeeded' });
    await deriveDue(owner, { all: true });
    const [half] = await bothQuantiles([0.5]);
    expect(half?.exact).toBe(500.5);
    expect(Math.abs((half?.trend ?? 0) - 500.5)).toBeLessThan(5.005);
  });

  it('every whole duration is within 1% of what its bucket says, up to the largest there is', async () => {
    const next = sequence(11);
    const durations = [...Array.from({ length: 3_000 }, (_, value) => value), 2 ** 31 - 1];
    for (let power = 12; power < 31; power++) durations.push(2 ** power, 2 ** power - 1, 2 ** power + next(2 ** power));
    const { rows } = await owner.query(
      `select d, runledger.trend_quantile(array[row(1, 7, 's', 'item', 1, (d = 0)::int,
         case when d = 0 then '{}'::int[] else array[floor(ln(d::double precision) / ln(1.02::double precision))::int] end,
         case when d = 0 then '{}'::bigint[] else '{1}' end)::runledger.trend_buckets], 0.5) as told
       from unnest($1::int[]) as d`,
      [durations],
    );
    expect(rows).toHaveLength(durations.length);
    const far = rows.filter(({ d, told }) => Math.abs(told - d) > d * 0.01);
    expect(far).toEqual([]);
  });

  it('refuse a fraction that is none, and are null without samples', async () => {
    const ask = (fraction: string) =>
      owner.query(
        `select runledger.trend_quantile(array_agg(t), ${fraction}) as ms from runledger.trend_buckets t where true`,
      );
    expect((await ask('0.5')).rows).toEqual([{ ms: null }]);
    await writeRows(owner, items([5]), { status: 'succeeded' });
    await deriveDue(owner, { all: true });
    for (const fraction of ['-0.1', '1.1', `'NaN'`])
      await expect(ask(fraction)).rejects.toMatchObject({ code: '22003' });
    expect((await ask('0.5')).rows).toEqual([{ ms: 5 }]);
  });
});

describe('trend rows', () => {
  it('count per stage and class, and per vendor over the run; skipped and untimed rows do not count', async () => {
    const call = (vendor: string, duration_ms: number, stage: string) =>
      ledgerRow({ ...AT, kind: 'vendor_call', vendor, duration_ms, stage });
    await writeRows(
      owner,
      [
        ...items([0, 0, 3, null]),
        ...items([9], { status: 'skip' }),
        ...items([100], { status: 'error' }),
        call('openai', 3, 'crawl'),
        call('openai', 3, 'score'),
        call('hunter', 0, 'score'),
        ledgerRow({ ...AT, kind: 'stage', duration_ms: 7 }),
        ledgerRow({ ...AT, kind: 'run', duration_ms: 900 }),
      ],
      { status: 'succeeded' },
    );
    await deriveDue(owner, { all: true });
    const index = (ms: number) => Math.floor(Math.log(ms) / Math.log(1.02));
    const row = (stage: string, name: string, zeros: number, at: number[], counts: number[]) => ({
      run_id: 7,
      stage,
      class: name,
      samples: zeros + counts.reduce((sum, count) => sum + count, 0),
      zeros,
      bucket_index: at.map(index),
      bucket_count: counts,
    });
    expect(await readTrends()).toEqual([
      row('_run', 'vendor:hunter', 1, [], []),
      row('_run', 'vendor:openai', 0, [3], [2]),
      row('crawl', 'item', 2, [3, 100], [1, 1]),
      row('crawl', 'stage', 0, [7], [1]),
      row('crawl', 'vendor_call', 0, [3], [1]),
      row('score', 'vendor_call', 1, [3], [1]),
    ]);
  });

  it('are written at the end of a run, again after late rows, and go while it is going on again', async () => {
    await writeRows(owner, items([5, 6]));
    await deriveDue(owner, { all: true });
    expect(await readTrends()).toEqual([]);
    await writeRows(owner, items([7]), { status: 'failed' });
    await deriveDue(owner, { all: true });
    expect(await readTrends()).toMatchObject([{ samples: 3 }]);
    await writeRows(owner, items([7, 0]));
    await deriveDue(owner, { all: true });
    expect(await readTrends()).toMatchObject([{ samples: 5, zeros: 1, bucket_count: [1, 1, 2] }]);
    await writeRows(owner, items([8]), { status: 'running' });
    await deriveDue(owner, { all: true });
    expect(await readTrends()).toEqual([]);
    await writeRows(owner, items([9]), { status: 'succeeded' });
    await deriveDue(owner, { all: true });
    expect(await readTrends()).toMatchObject([{ samples: 7, zeros: 1 }]);
  });

  it('of a class that has no samples any more are removed', async () => {
    await writeRows(owner, items([5]), { status: 'succeeded' });
    await owner.query(`insert into runledger.trend_buckets values (1, 7, 'crawl', 'stage', 1, 1, '{}', '{}')`);
    await owner.query(`insert into runledger.trend_buckets values (1, 8, 'crawl', 'stage', 1, 1, '{}', '{}')`);
    await deriveDue(owner, { all: true });
    expect((await readTrends()).map((row) => [row.run_id, row.class])).toEqual([
      [7, 'item'],
      [8, 'stage'],
    ]);
  });

  it('stay as they are when the events are dropped', async () => {
    await writeRows(owner, items([5, 50]), { status: 'succeeded' });
    await deriveDue(owner, { all: true });
    const before = await readTrends();
    await owner.query('delete from public.run_event_logs');
    await owner.query(`update runledger.retention set floor_day = '2026-03-02'`);
    try {
      await owner.query(`insert into runledger.dirty_runs values (1, 7, now(), now(), 1)`);
      expect((await deriveDue(owner, { all: true })).outcomes.dropped).toBe(1);
      expect(await readTrends()).toEqual(before);
    } finally {
      await owner.query(`update runledger.retention set floor_day = '2000-01-01'`);
    }
  });

  it('of a derive that dies before its commit are those of before', async () => {
    await writeRows(owner, items([5]), { status: 'succeeded' });
    await deriveDue(owner, { all: true });
    const before = await readTrends();
    await writeRows(owner, items([6, 7]));
    await whileLocked(owner, 'run_id = 7', async () => {
      const deriving = deriveRun(owner, { tenantId: 1, runId: 7 }, { now: new Date(), force: true });
      const [outcome] = await Promise.allSettled([deriving, waitForLockWait(owner).then(() => killWaiting(superuser))]);
      expect(outcome).toMatchObject({ status: 'rejected' });
    });
    expect(await readTrends()).toEqual(before);
    await Promise.all([deriveDue(owner, { all: true }), deriveDue(owner, { all: true })]);
    await deriveDue(owner, { all: true });
    expect(await readTrends()).toMatchObject([{ samples: 3, bucket_count: [1, 1, 1] }]);
  });
});
