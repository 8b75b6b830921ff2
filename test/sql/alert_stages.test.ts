/** Rules about what a run's stages, vendors and numbers show. */
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../receiver/store/pool.ts';
import { clearRuns, findingsOf, override, type SeededRun, seedRun, verdictsOf } from '../helpers/alert_runs.ts';
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

describe('stage_failed (mv_refresh)', () => {
  const done = { stages: { mv_refresh: { status: 'ok', total: 1, endedAt: at('03:05') } } };

  it('fires on a stage in error though all its units are good, and is over with the next good run', async () => {
    const runId = await seedRun(owner, at('03:00'), {
      stages: { mv_refresh: { status: 'error', total: 5, errors: 0 } },
    });
    expect(await findingsOf(owner, 'mv_refresh_failed', NOON)).toMatchObject([
      {
        subject: 'mv_refresh',
        verdict: 'bad',
        severity: 'page',
        runId,
        numbers: { value: 'failed', units: 5, units_in_error: 0 },
      },
    ]);
    await seedRun(owner, at('05:00'), done);
    expect(await verdictsOf(owner, 'mv_refresh_failed', NOON)).toEqual([]);
  });

  it('does not mind failed units, unless told to', async () => {
    await seedRun(owner, at('03:00'), { stages: { mv_refresh: { status: 'ok', total: 9, errors: 2 } } });
    expect(await verdictsOf(owner, 'mv_refresh_failed', NOON)).toEqual([]);
    await override(owner, 'mv_refresh_failed', { count_errors: true });
    expect(await verdictsOf(owner, 'mv_refresh_failed', NOON)).toEqual(['bad page mv_refresh']);
  });

  it('fires on a run that ended without the stage or with it still going on, where half of the runs before had it', async () => {
    await nights(9, 11, done);
    await nights(12, 14, {});
    await seedRun(owner, at('03:00'));
    expect(await findingsOf(owner, 'mv_refresh_failed', NOON)).toMatchObject([
      { verdict: 'bad', numbers: { value: 'absent' } },
    ]);
    await seedRun(owner, at('05:00'), { stages: { mv_refresh: { status: 'running', total: 0 } } });
    expect(await verdictsOf(owner, 'mv_refresh_failed', NOON)).toEqual(['hold mv_refresh']);
    await nights(15, 15, done);
    expect(await findingsOf(owner, 'mv_refresh_failed', NOON)).toMatchObject([
      { verdict: 'bad', numbers: { value: 'absent' } },
    ]);
  });

  it('cannot say without the stage where it is not usual; always and never are as they say', async () => {
    await nights(10, 10, done);
    await nights(11, 13, {});
    await seedRun(owner, at('03:00'));
    expect(await verdictsOf(owner, 'mv_refresh_failed', NOON)).toEqual(['hold mv_refresh']);
    await override(owner, 'mv_refresh_failed', { absent: 'always' });
    expect(await verdictsOf(owner, 'mv_refresh_failed', NOON)).toEqual(['bad page mv_refresh']);
    await override(owner, 'mv_refresh_failed', { absent: 'never' });
    expect(await verdictsOf(owner, 'mv_refresh_failed', NOON)).toEqual(['hold mv_refresh']);
  });

  it('fires on a run that goes on past the window without a result, and not before', async () => {
    await nights(10, 12, done);
    const runId = await seedRun(owner, at('03:00'), {
      status: 'running',
      stages: { mv_refresh: { status: 'running', total: 0 } },
    });
    expect(await verdictsOf(owner, 'mv_refresh_failed', at('03:59'))).toEqual([]);
    expect(await findingsOf(owner, 'mv_refresh_failed', at('04:00'))).toMatchObject([
      { verdict: 'bad', runId, numbers: { value: 'absent', run_is_over: false, window_minutes: 60 } },
    ]);
    const finish = "update public.run_stage_stats set status = 'error', ended_at = $2 where run_id = $1";
    await owner.query(finish, [runId, at('03:50')]);
    expect(await verdictsOf(owner, 'mv_refresh_failed', at('04:00'))).toEqual([]);
    await owner.query(finish, [runId, at('04:30')]);
    expect(await verdictsOf(owner, 'mv_refresh_failed', at('04:00'))).toEqual(['bad page mv_refresh']);
  });

  it('does not let an abandoned run count as lacking the stage before the window is over', async () => {
    await nights(10, 12, done);
    await seedRun(owner, at('03:00'), { status: 'abandoned', receivedAt: at('03:10') });
    expect(await verdictsOf(owner, 'mv_refresh_failed', at('03:45'))).toEqual(['hold mv_refresh']);
    expect(await verdictsOf(owner, 'mv_refresh_failed', at('04:00'))).toEqual(['bad page mv_refresh']);
  });

  it('counts as usual what was finished before in this environment alone', async () => {
    await nights(10, 12, { stages: { mv_refresh: { status: 'running', total: 0 } } });
    await nights(13, 16, { ...done, environment: 'test' });
    await seedRun(owner, at('03:00'));
    expect(await verdictsOf(owner, 'mv_refresh_failed', NOON)).toEqual(['hold mv_refresh']);
  });

  it('takes a stage known by its items alone as finished', async () => {
    await nights(10, 12, done);
    await seedRun(owner, at('03:00'), { stages: { mv_refresh: { status: null, total: 3 } } });
    expect(await verdictsOf(owner, 'mv_refresh_failed', NOON)).toEqual([]);
  });
});

describe('stage_failed (export_odoo)', () => {
  it('fires on failed units and on a failed stage, holds where there was no export, and is over with a good one', async () => {
    await seedRun(owner, at('01:00'), { stages: { export_odoo: { total: 100, errors: 1 } } });
    expect(await findingsOf(owner, 'export_odoo_errors', NOON)).toMatchObject([
      {
        verdict: 'bad',
        severity: 'warn',
        subject: 'export_odoo',
        numbers: { value: 'errors', units: 100, units_in_error: 1 },
      },
    ]);
    await seedRun(owner, at('02:00'), { stages: { crawl: {} } });
    expect(await verdictsOf(owner, 'export_odoo_errors', NOON)).toEqual(['hold export_odoo']);
    await seedRun(owner, at('03:00'), { stages: { export_odoo: { total: 0 } } });
    expect(await verdictsOf(owner, 'export_odoo_errors', NOON)).toEqual([]);
  });

  it('says nothing of a run still going on, whatever it shows', async () => {
    await seedRun(owner, at('03:00'), { status: 'running', stages: { export_odoo: { status: 'error', errors: 50 } } });
    expect(await verdictsOf(owner, 'export_odoo_errors', NOON)).toEqual([]);
  });
});

describe('stage_error_rate', () => {
  const crawl = (total: number, errors: number) => ({ stages: { crawl: { total, errors } } });

  it('warns above 0.3 and pages above 0.5, at the limits not yet', async () => {
    await seedRun(owner, at('01:00'), crawl(100, 30));
    expect(await verdictsOf(owner, 'crawl_error_rate', NOON)).toEqual([]);
    await seedRun(owner, at('02:00'), crawl(100, 31));
    expect(await findingsOf(owner, 'crawl_error_rate', NOON)).toMatchObject([
      { subject: 'crawl', severity: 'warn', numbers: { value: 0.31, limit: 0.3, units: 100, units_in_error: 31 } },
    ]);
    await seedRun(owner, at('03:00'), crawl(100, 50));
    expect(await verdictsOf(owner, 'crawl_error_rate', NOON)).toEqual(['bad warn crawl']);
    await seedRun(owner, at('04:00'), crawl(10_000_000, 5_000_001));
    expect(await findingsOf(owner, 'crawl_error_rate', NOON)).toMatchObject([
      { severity: 'page', numbers: { limit: 0.5 } },
    ]);
    await seedRun(owner, at('05:00'), crawl(20, 0));
    expect(await verdictsOf(owner, 'crawl_error_rate', NOON)).toEqual([]);
  });

  it.each([
    ['no stage', {}],
    ['no units', crawl(0, 0)],
    ['one unit', crawl(1, 1)],
    ['19 units', crawl(19, 19)],
  ])('holds with %s', async (_, run) => {
    await seedRun(owner, at('03:00'), run);
    expect(await verdictsOf(owner, 'crawl_error_rate', NOON)).toEqual(['hold crawl']);
  });

  it('judges 20 units', async () => {
    await seedRun(owner, at('03:00'), crawl(20, 11));
    expect(await verdictsOf(owner, 'crawl_error_rate', NOON)).toEqual(['bad page crawl']);
  });
});

describe('vendor_limits', () => {
  it('tells a used-up quota and rate limits per vendor, OpenAI by its own rule', async () => {
    const runId = await seedRun(owner, at('03:00'), {
      vendors: { openai: { hits: 3 }, serper: { hits: 2 }, dropcontact: { quota: true }, quiet: {} },
    });
    expect(await verdictsOf(owner, 'vendor_limits', NOON)).toEqual(['bad page dropcontact', 'bad warn serper']);
    expect(await findingsOf(owner, 'openai_limits', NOON)).toMatchObject([
      {
        subject: 'openai',
        severity: 'warn',
        runId,
        numbers: { value: 3, limit: 0, quota_exhausted: false, calls: 100 },
      },
    ]);
    await seedRun(owner, at('05:00'), { vendors: { openai: {}, serper: {} } });
    expect(await verdictsOf(owner, 'vendor_limits', NOON)).toEqual([]);
    expect(await verdictsOf(owner, 'openai_limits', NOON)).toEqual([]);
  });

  it('leaves out and picks vendors by override, for one pipeline alone', async () => {
    for (const pipeline of ['nightly', 'weekly'])
      await seedRun(owner, at('03:00'), { pipeline, vendors: { serper: { hits: 1 }, hunter: { hits: 1 } } });
    await override(owner, 'vendor_limits', { only: ['hunter'] }, { pipeline: 'weekly' });
    await override(owner, 'vendor_limits', { except: ['hunter'] });
    const found = await findingsOf(owner, 'vendor_limits', NOON);
    expect(found.map(({ pipeline, subject }) => `${pipeline} ${subject}`)).toEqual(['nightly serper']);
  });
});

describe('metric_below', () => {
  it('fires below the floor, not at it, and holds without the number unless it is required', async () => {
    await seedRun(owner, at('01:00'), { metrics: { candidates_selected: 49.5 } });
    expect(await findingsOf(owner, 'candidates_low', NOON)).toMatchObject([
      {
        subject: 'candidates_selected',
        verdict: 'bad',
        severity: 'warn',
        numbers: { value: 49.5, limit: 50, is_stated: true },
      },
    ]);
    await seedRun(owner, at('02:00'), { metrics: { items_delivered: 0 } });
    expect(await verdictsOf(owner, 'candidates_low', NOON)).toEqual(['hold candidates_selected']);
    await override(owner, 'candidates_low', { required: true });
    expect(await findingsOf(owner, 'candidates_low', NOON)).toMatchObject([
      { verdict: 'bad', numbers: { value: null, is_stated: false } },
    ]);
    await seedRun(owner, at('03:00'), { metrics: { candidates_selected: 50 } });
    expect(await verdictsOf(owner, 'candidates_low', NOON)).toEqual([]);
  });

  it('counts 0 as a number', async () => {
    await seedRun(owner, at('03:00'), { metrics: { candidates_selected: 0 } });
    expect(await verdictsOf(owner, 'candidates_low', NOON)).toEqual(['bad warn candidates_selected']);
  });
});
