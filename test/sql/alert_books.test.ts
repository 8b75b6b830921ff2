/** Rules about money, reviews and service levels. */
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

describe('cost_budget', () => {
  const spent = (cost: string, more: SeededRun = {}): SeededRun => ({
    vendors: { openai: { cost }, serper: { cost: '0.1' } },
    ...more,
  });

  it('holds no budget that nobody set', async () => {
    await seedRun(owner, at('03:00'), spent('1000000'));
    expect(await findingsOf(owner, 'cost_budget', NOON)).toEqual([]);
  });

  it('adds the vendors of the latest run, to the cent, and is over with a cheaper one', async () => {
    await override(owner, 'cost_budget', { per_run_usd: 12.3 });
    await seedRun(owner, at('01:00'), spent('12.2'));
    expect(await findingsOf(owner, 'cost_budget', NOON)).toEqual([]);
    const runId = await seedRun(owner, at('02:00'), spent('12.2001'));
    expect(await findingsOf(owner, 'cost_budget', NOON)).toEqual([
      {
        tenantId: 7,
        environment: 'prod',
        pipeline: 'nightly',
        subject: 'run',
        verdict: 'bad',
        severity: 'warn',
        runId,
        numbers: { value: 12.3001, limit: 12.3, at_least: false, unpriced_calls: 0, runs: 1 },
      },
    ]);
    await seedRun(owner, at('03:00'), spent('1'));
    expect(await findingsOf(owner, 'cost_budget', NOON)).toEqual([]);
  });

  it('adds what ended in the UTC day and month over all pipelines of the tenant, cancelled and excluded runs too', async () => {
    await override(owner, 'cost_budget', { per_day_usd: 10, per_month_usd: 25 });
    await seedRun(owner, '2026-11-02T03:00:00Z', spent('13.4'));
    await seedRun(owner, '2026-10-31T03:00:00Z', spent('900'));
    await seedRun(owner, '2026-11-19T22:00:00Z', spent('0.5'));
    await seedRun(owner, '2026-11-19T23:30:00Z', spent('5'));
    await seedRun(owner, at('02:00'), spent('3', { pipeline: 'weekly', status: 'cancelled' }));
    await seedRun(owner, at('05:00'), spent('2', { environment: 'test', excluded: true }));
    await seedRun(owner, at('05:00'), spent('500', { tenant: 8 }));
    await seedRun(owner, at('11:00'), spent('500', { status: 'running' }));
    await seedRun(owner, at('11:30'), spent('500', { minutes: 45 }));
    expect(await findingsOf(owner, 'cost_budget', at('05:30'))).toEqual([]);
    expect(await findingsOf(owner, 'cost_budget', NOON)).toMatchObject([
      {
        tenantId: 7,
        pipeline: '',
        environment: '',
        subject: 'day',
        runId: null,
        numbers: { value: 10.3, limit: 10, runs: 3 },
      },
    ]);
    expect(await verdictsOf(owner, 'cost_budget', at('12:15'))).toEqual(['bad warn day', 'bad warn month']);
    expect(await verdictsOf(owner, 'cost_budget', '2026-11-21T00:00:00Z')).toEqual(['bad warn month']);
    expect(await verdictsOf(owner, 'cost_budget', '2026-12-01T00:00:00Z')).toEqual([]);
  });

  it('says "at least" where usage has no price', async () => {
    await override(owner, 'cost_budget', { per_run_usd: 1, per_day_usd: 1 });
    await seedRun(owner, at('03:00'), { vendors: { openai: { cost: '2', unpriced: 40 } } });
    const found = await findingsOf(owner, 'cost_budget', NOON);
    expect(found.map(({ numbers }) => [numbers.at_least, numbers.unpriced_calls])).toEqual([
      [true, 40],
      [true, 40],
    ]);
  });
});

describe('qa_pass_rate', () => {
  it('judges the reviews of the last five runs together, open ones left out, from ten on', async () => {
    await seedRun(owner, night(1), { reviews: { fail: 10 } });
    await nights(10, 13, { reviews: { pass: 2, open: 8 } });
    const runId = await seedRun(owner, at('03:00'), { reviews: { fail: 1, open: 9 } });
    expect(await verdictsOf(owner, 'qa_pass_rate', NOON)).toEqual(['hold']);
    await owner.query("update public.qa_samples set result = 'fail' where run_id = $1 and company_id in (2, 3)", [
      runId,
    ]);
    expect(await findingsOf(owner, 'qa_pass_rate', NOON)).toMatchObject([
      { subject: '', severity: 'warn', runId, numbers: { value: 0.7273, limit: 0.8, passed: 8, reviewed: 11 } },
    ]);
    await owner.query("update public.qa_samples set result = 'pass' where run_id = $1 and company_id in (2, 3)", [
      runId,
    ]);
    expect(await findingsOf(owner, 'qa_pass_rate', NOON)).toEqual([]);
  });

  it('is good at the limit', async () => {
    await seedRun(owner, at('03:00'), { reviews: { pass: 8, fail: 2 } });
    expect(await verdictsOf(owner, 'qa_pass_rate', NOON)).toEqual([]);
  });

  it('knows of an earlier moment only the reviews made by then', async () => {
    await seedRun(owner, at('03:00'), { reviews: { fail: 10, at: at('10:00') } });
    expect(await verdictsOf(owner, 'qa_pass_rate', at('09:00'))).toEqual(['hold']);
    expect(await verdictsOf(owner, 'qa_pass_rate', NOON)).toEqual(['bad warn']);
  });
});

describe('service_level', () => {
  it('judges the month so far from twenty runs on, by the start of the run', async () => {
    await nights(1, 18, {});
    await seedRun(owner, '2026-11-19T03:00:00Z', { status: 'failed' });
    await seedRun(owner, '2026-11-19T05:00:00Z', { status: 'cancelled' });
    await seedRun(owner, '2026-11-19T06:00:00Z', { status: 'failed', excluded: true });
    await seedRun(owner, '2026-10-31T23:30:00Z', { status: 'failed' });
    expect(await verdictsOf(owner, 'service_levels', NOON)).toEqual(['hold run_success_rate']);
    await seedRun(owner, at('03:00'));
    expect(await findingsOf(owner, 'service_levels', NOON)).toEqual([
      {
        tenantId: 7,
        environment: '',
        pipeline: '',
        subject: 'run_success_rate',
        verdict: 'bad',
        severity: 'warn',
        runId: null,
        numbers: { value: 0.95, limit: 0.98, runs: 20, month: '2026-11' },
      },
    ]);
    expect(await verdictsOf(owner, 'service_levels', at('03:30'))).toEqual(['hold run_success_rate']);
    // The month has 51 runs of which one failed: 98%.
    for (let hour = 0; hour < 30; hour++)
      await seedRun(owner, `2026-11-15T${String(hour % 24).padStart(2, '0')}:00:00Z`, { minutes: 1 });
    expect(await verdictsOf(owner, 'service_levels', NOON)).toEqual([]);
    expect(await verdictsOf(owner, 'service_levels', '2026-12-02T12:00:00Z')).toEqual(['hold run_success_rate']);
  });

  it('counts an abandoned run as not succeeded', async () => {
    await nights(1, 19, {});
    await seedRun(owner, at('03:00'), { status: 'abandoned' });
    expect(await verdictsOf(owner, 'service_levels', NOON)).toEqual(['bad warn run_success_rate']);
  });

  it('holds the levels that are set, and those alone', async () => {
    await nights(1, 20, {
      minutes: 90,
      stages: { crawl: { total: 100, errors: 11 } },
      metrics: { emails_found: 100, emails_verified: 69 },
    });
    expect(await verdictsOf(owner, 'service_levels', NOON)).toEqual([]);
    await override(owner, 'service_levels', { p95_run_minutes: 80, crawl_success_rate: 0.9, verified_email_rate: 0.7 });
    expect(
      (await findingsOf(owner, 'service_levels', NOON)).map(({ subject, numbers }) => [
        subject,
        numbers.value,
        numbers.limit,
      ]),
    ).toEqual([
      ['crawl_success_rate', 0.89, 0.9],
      ['p95_run_minutes', 90, 80],
      ['verified_email_rate', 0.69, 0.7],
    ]);
    await override(owner, 'service_levels', {
      p95_run_minutes: 90,
      crawl_success_rate: 0.89,
      verified_email_rate: 0.69,
      run_success_rate: null,
    });
    expect(await verdictsOf(owner, 'service_levels', NOON)).toEqual([]);
  });

  it('agrees with the view of the same name', async () => {
    await nights(1, 19, {
      stages: { crawl: { total: 10, errors: 1 } },
      metrics: { emails_found: 7, emails_verified: 3 },
    });
    await nights(20, 20, { status: 'failed', minutes: 5, stages: { crawl: { total: 90, errors: 80 } } });
    await override(owner, 'service_levels', {
      run_success_rate: 1,
      p95_run_minutes: 1,
      crawl_success_rate: 1,
      verified_email_rate: 1,
    });
    const found = await findingsOf(owner, 'service_levels', NOON);
    const { rows } = await owner.query(
      `select run_success_rate, p95_run_minutes, crawl_success_rate, verified_email_rate from public.service_levels
       where tenant_id = 7 and month = '2026-11-01'`,
    );
    const shown = Object.fromEntries(
      Object.entries(rows[0] ?? {}).map(([name, value]) => [name, Number(value).toFixed(4)]),
    );
    expect(
      Object.fromEntries(found.map(({ subject, numbers }) => [subject, Number(numbers.value).toFixed(4)])),
    ).toEqual(shown);
    expect(found).toHaveLength(4);
  });
});
