/** Stages that became slow: against the runs before, and against nothing else. */
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../receiver/store/pool.ts';
import { clearRuns, findingsOf, type SeededRun, seedRun, verdictsOf } from '../helpers/alert_runs.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

let database: TestDatabase;
let owner: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 2 });
});
beforeEach(() => clearRuns(owner));
afterAll(async () => {
  await owner.end();
  await database.drop();
});

const at = (time: string) => `2026-11-20T${time}:00Z`;
const NOON = at('12:00');
const night = (day: number) => `2026-11-${String(day).padStart(2, '0')}T03:00:00Z`;

async function nights(from: number, to: number, run: SeededRun): Promise<void> {
  for (let day = from; day <= to; day++) await seedRun(owner, night(day), run);
}

describe('latency_regression', () => {
  const crawl = (p95: number, more = {}) => ({ stages: { crawl: { p95, ...more } } });

  it('fires above median plus the largest allowance, not at it, and is over with the next usual run', async () => {
    await nights(1, 5, crawl(4000));
    await seedRun(owner, at('03:00'), crawl(6000));
    expect(await verdictsOf(owner, 'latency_regression', NOON)).toEqual([]);
    const runId = await seedRun(owner, at('04:00'), crawl(6001));
    expect(await findingsOf(owner, 'latency_regression', NOON)).toMatchObject([
      {
        subject: 'crawl',
        severity: 'warn',
        runId,
        numbers: { value: 6001, limit: 6000, median: 4000, spread: 0, runs: 6, samples: 100 },
      },
    ]);
    await seedRun(owner, at('05:00'), crawl(4100));
    expect(await verdictsOf(owner, 'latency_regression', NOON)).toEqual([]);
  });

  it('allows fast stages a second and unsteady ones four spreads', async () => {
    await nights(1, 5, crawl(100));
    await seedRun(owner, at('03:00'), crawl(1100));
    expect(await verdictsOf(owner, 'latency_regression', NOON)).toEqual([]);
    await clearRuns(owner);
    for (const [index, p95] of [1000, 3000, 5000, 7000, 9000].entries())
      await seedRun(owner, night(index + 1), crawl(p95));
    // Median 5,000, median deviation 2,000: 5,000 + 4 x 1.4826 x 2,000.
    await seedRun(owner, at('03:00'), crawl(16_860));
    expect(await verdictsOf(owner, 'latency_regression', NOON)).toEqual([]);
    await owner.query('update public.run_stage_stats set p95_ms = 16862 where p95_ms = 16860');
    expect(await findingsOf(owner, 'latency_regression', NOON)).toMatchObject([
      { verdict: 'bad', numbers: { limit: 16_861, median: 5000, spread: 2965 } },
    ]);
  });

  it('compares runs of the same pipeline and environment, durations of the same class, and ends in success', async () => {
    await nights(1, 3, crawl(1000));
    await nights(4, 5, { ...crawl(1000), environment: 'test' });
    await nights(6, 7, { ...crawl(1000), pipeline: 'other' });
    await nights(8, 9, { ...crawl(1000), excluded: true });
    await nights(10, 11, { ...crawl(1000), status: 'failed' });
    await nights(12, 13, { ...crawl(1000), tenant: 8 });
    await nights(14, 15, crawl(1000, { class: 'vendor_call' }));
    await nights(16, 17, crawl(1000, { samples: 19 }));
    await seedRun(owner, at('03:00'), crawl(90_000));
    const found = await findingsOf(owner, 'latency_regression', NOON, 7);
    const told = found.map(({ verdict, pipeline, environment }) => `${verdict} ${pipeline} ${environment}`);
    expect([...new Set(told)].sort()).toEqual(['hold nightly prod', 'hold nightly test', 'hold other prod']);
    await nights(18, 19, crawl(1000));
    expect(await verdictsOf(owner, 'latency_regression', NOON, 7)).toContain('bad warn crawl');
  });

  it('holds with few samples, and for a stage that is not there this time', async () => {
    await nights(1, 6, { stages: { crawl: { p95: 1000 }, score: { p95: 1000 } } });
    await seedRun(owner, at('03:00'), crawl(90_000, { samples: 19 }));
    expect(await verdictsOf(owner, 'latency_regression', NOON)).toEqual(['hold crawl', 'hold score']);
  });

  it('keeps its verdict over a failed run', async () => {
    await nights(1, 6, crawl(1000));
    await seedRun(owner, at('03:00'), crawl(90_000));
    await seedRun(owner, at('05:00'), { ...crawl(10), status: 'failed' });
    expect(await verdictsOf(owner, 'latency_regression', NOON)).toEqual(['bad warn crawl']);
  });

  it('compares with no run whose percentiles are not computed yet, and never one class of durations with another', async () => {
    await nights(1, 4, crawl(1000));
    await nights(5, 6, { ...crawl(0), derived: null });
    await seedRun(owner, at('03:00'), crawl(90_000));
    expect(await verdictsOf(owner, 'latency_regression', NOON)).toEqual(['hold crawl']);
    await clearRuns(owner);
    await nights(1, 6, crawl(1000, { class: 'vendor_call' }));
    await seedRun(owner, at('03:00'), crawl(90_000));
    expect([...new Set(await verdictsOf(owner, 'latency_regression', NOON))]).toEqual(['hold crawl']);
  });
});
