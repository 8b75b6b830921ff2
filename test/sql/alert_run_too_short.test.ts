/** Runs that succeeded and took too little time for it. */
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../receiver/store/pool.ts';
import { clearRuns, findingsOf, seedRun, verdictsOf } from '../helpers/alert_runs.ts';
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

async function schedule(columns: Record<string, unknown> = {}): Promise<void> {
  const row = { tenant_id: 7, pipeline: 'nightly', environment: 'prod', cron: '0 3 * * *', ...columns };
  await owner.query(
    `insert into runledger.schedules (tenant_id, pipeline, environment, cron, enabled, run_limit_seconds, minimum_seconds)
     select tenant_id, pipeline, environment, cron, coalesce(enabled, true), run_limit_seconds, minimum_seconds
     from jsonb_populate_record(null::runledger.schedules, $1)`,
    [row],
  );
}

describe('run_too_short', () => {
  async function usualRuns(count: number, minutes = 60): Promise<void> {
    for (let day = 1; day <= count; day++)
      await seedRun(owner, `2026-11-${String(day).padStart(2, '0')}T03:00:00Z`, { minutes });
  }

  it('fires below a quarter of the median of the runs before, and is over with the next usual one', async () => {
    await usualRuns(5);
    const runId = await seedRun(owner, at('03:00'), { minutes: 14 });
    expect(await findingsOf(owner, 'run_too_short', NOON)).toMatchObject([
      { verdict: 'bad', severity: 'warn', runId, numbers: { value: 840, limit: 900, median_seconds: 3600, runs: 5 } },
    ]);
    await seedRun(owner, at('05:00'), { minutes: 15 });
    expect(await verdictsOf(owner, 'run_too_short', NOON)).toEqual([]);
  });

  it('holds with fewer runs before than it needs, of which cancelled, excluded, failed and inverted ones are none', async () => {
    await usualRuns(4);
    await seedRun(owner, '2026-11-10T03:00:00Z', { excluded: true });
    await seedRun(owner, '2026-11-11T03:00:00Z', { status: 'failed' });
    await seedRun(owner, '2026-11-12T03:00:00Z', { status: 'cancelled' });
    await seedRun(owner, '2026-11-13T03:00:00Z', { minutes: -3, receivedAt: '2026-11-13T03:00:00Z' });
    await seedRun(owner, '2026-11-14T03:00:00Z', { environment: 'test' });
    await seedRun(owner, at('03:00'), { minutes: 1 });
    expect(await verdictsOf(owner, 'run_too_short', NOON)).toEqual(['hold', 'hold']);
  });

  it('holds when the run has no length or a negative one', async () => {
    await usualRuns(6);
    await seedRun(owner, at('03:00'), { minutes: -1, receivedAt: at('03:00') });
    expect(await verdictsOf(owner, 'run_too_short', NOON)).toEqual(['hold']);
    await seedRun(owner, at('05:00'), { minutes: null });
    expect(await verdictsOf(owner, 'run_too_short', NOON)).toEqual(['hold']);
  });

  it('takes the minimum of the schedule where there is one, with no run before', async () => {
    await schedule({ minimum_seconds: 600 });
    await seedRun(owner, at('03:00'), { minutes: 9 });
    expect(await verdictsOf(owner, 'run_too_short', NOON)).toEqual(['bad warn']);
    await owner.query('update runledger.schedules set minimum_seconds = 500');
    expect(await verdictsOf(owner, 'run_too_short', NOON)).toEqual([]);
  });
});
