/** The numbers of the views for SQL users against counts made in JavaScript: right, and null and not 0 where nothing was measured. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BiLogin } from '../helpers/bi_login.ts';
import { type PlainRow, plainRows } from '../helpers/plain_rows.ts';
import { MINE } from '../helpers/seed_tenants.ts';
import { openViewDatabase, type ViewDatabase } from '../helpers/view_database.ts';
import { groupBy, type ModelRun, makeRuns, metricSum, percentile, rate, sum } from '../helpers/view_model.ts';

const RUNS = makeRuns();

let opened: ViewDatabase;
let bi: BiLogin;
beforeAll(async () => {
  opened = await openViewDatabase(RUNS);
  bi = opened.bi;
});
afterAll(() => opened.close());

describe('numbers', () => {
  const mine = RUNS.filter(({ tenant_id }) => tenant_id === MINE);
  const isJudged = ({ status, excluded }: ModelRun) =>
    ['succeeded', 'failed', 'abandoned'].includes(status) && !excluded;
  const dayOf = ({ started_at }: ModelRun) => started_at.slice(0, 10);
  const minutesOf = ({ started_at, ended_at }: ModelRun) =>
    (Date.parse(ended_at ?? '') - Date.parse(started_at)) / 60_000;
  const count = (runs: ModelRun[], status: string) =>
    runs.filter((run) => run.status === status && isJudged(run)).length;

  it('service levels: every month from the first run to now, of judged runs alone, null in a month without', async () => {
    const rows = plainRows(await bi.query('select * from service_levels order by month'));
    const { rows: now } = await opened.superuser.query(
      "select to_char(now() at time zone 'UTC', 'YYYY-MM-01') as month",
    );
    expect(rows.map(({ month }) => month)).toEqual(monthsBetween('2026-06-01', now[0].month));
    for (const row of rows) {
      const runs = mine.filter((run) => `${run.started_at.slice(0, 7)}-01` === row.month && isJudged(run));
      const crawls = runs.flatMap(({ stages }) => stages.filter(({ stage }) => stage === 'crawl'));
      const succeeded = runs.filter(({ status }) => status === 'succeeded');
      expectRow(row, {
        runs: runs.length,
        runs_succeeded: count(runs, 'succeeded'),
        runs_failed: count(runs, 'failed'),
        runs_abandoned: count(runs, 'abandoned'),
        run_success_rate: rate(succeeded.length, runs.length),
        p95_run_minutes: percentile(succeeded.map(minutesOf), 0.95),
        crawl_success_rate: rate(
          sum(crawls.map((stage) => stage.count_success)),
          sum(crawls.map((stage) => stage.count_total)),
        ),
        verified_email_rate: rate(metricSum(runs, 'emails_verified'), metricSum(runs, 'emails_found')),
      });
    }
    expect(rows.find(({ month }) => month === '2026-08-01')).toMatchObject({
      runs: 0,
      run_success_rate: null,
      p95_run_minutes: null,
    });
  });

  it('tenant overview: each day, pipeline and environment once, nothing counted twice', async () => {
    const rows = plainRows(await bi.query('select * from tenant_overview'));
    const groups = groupBy(mine, (run) => [dayOf(run), run.pipeline, run.environment]);
    expect(rows).toHaveLength(groups.size);
    for (const row of rows) {
      const runs = groups.get(JSON.stringify([row.day, row.pipeline, row.environment])) ?? [];
      const stages = runs.flatMap((run) => run.stages);
      const vendors = runs.flatMap((run) => run.vendors);
      const judged = runs.filter(isJudged);
      const units = stages.length === 0 ? null : sum(stages.map((stage) => stage.count_total));
      const errors = stages.length === 0 ? null : sum(stages.map((stage) => stage.count_error));
      const minutes = judged.filter(({ status }) => status === 'succeeded').map(minutesOf);
      expectRow(row, {
        runs: runs.length,
        runs_finished: judged.length,
        runs_running: runs.filter(({ status }) => status === 'running').length,
        run_success_rate: rate(count(runs, 'succeeded'), judged.length),
        median_run_minutes: percentile(minutes, 0.5),
        p95_run_minutes: percentile(minutes, 0.95),
        candidates_selected: metricSum(runs, 'candidates_selected'),
        items_delivered: metricSum(runs, 'items_delivered'),
        units,
        unit_errors: errors,
        error_rate: rate(errors, units),
        bucket_high_share: rate(
          metricSum(runs, 'bucket_high'),
          metricSum(runs, 'bucket_high', 'bucket_medium', 'bucket_low'),
        ),
        cost_usd: sum(vendors.map(({ cost }) => cost)) / 100_000,
      });
      expect(row.cost_is_complete).toBe(vendors.every((vendor) => vendor.unpriced_calls === 0));
    }
  });

  it('vendor costs: sums by day, pipeline, environment and vendor, to the digit', async () => {
    const rows = plainRows(await bi.query('select * from vendor_costs'));
    const uses = mine.flatMap((run) => run.vendors.map((vendor) => ({ ...vendor, run })));
    const groups = groupBy(uses, ({ run, vendor }) => [dayOf(run), run.pipeline, run.environment, vendor]);
    expect(rows).toHaveLength(groups.size);
    for (const row of rows) {
      const used = groups.get(JSON.stringify([row.day, row.pipeline, row.environment, row.vendor])) ?? [];
      const calls = sum(used.map((use) => use.calls));
      expectRow(row, {
        runs: used.length,
        calls,
        error_rate: rate(sum(used.map((use) => use.errors)), calls),
        rate_limit_hits: sum(used.map((use) => use.rate_limit_hits)),
        runs_quota_exhausted: used.filter((use) => use.quota_exhausted).length,
        tokens_input: sum(used.map((use) => use.tokens_input)),
        cost_usd: sum(used.map((use) => use.cost)) / 100_000,
        unpriced_calls: sum(used.map((use) => use.unpriced_calls)),
      });
    }
    const total = await bi.query(
      'select sum(cost_usd)::text as a, (select sum(cost_usd)::text from vendor_usage_by_run) as b from vendor_costs',
    );
    const cents = String(sum(uses.map(({ cost }) => cost))).padStart(6, '0');
    const exact = `${cents.slice(0, -5)}.${cents.slice(-5)}`;
    expect(total.rows.map(({ a, b }) => [Number(a), Number(b)])).toEqual([[Number(exact), Number(exact)]]);
    expect(total.rows[0].a.replace(/0+$/, '')).toBe(exact.replace(/0+$/, ''));
  });

  it('runs: duration against the median of ten earlier good ones, errors, cost, what is unpriced', async () => {
    const rows = plainRows(await bi.query('select * from runs'));
    expect(rows).toHaveLength(mine.length);
    for (const row of rows) {
      const run = mine.find(({ run_id }) => run_id === row.run_id);
      if (run === undefined) throw new Error('a run that nobody stored');
      const units = run.stages.length === 0 ? null : sum(run.stages.map((stage) => stage.count_total));
      const errors = run.stages.length === 0 ? null : sum(run.stages.map((stage) => stage.count_error));
      expectRow(row, {
        duration_ms: run.ended_at === null || minutesOf(run) < 0 ? null : minutesOf(run) * 60_000,
        usual_duration_ms: roundHalfUp(
          percentile(
            earlierGood(run).map((other) => minutesOf(other) * 60_000),
            0.5,
          ),
        ),
        units,
        unit_errors: errors,
        error_rate: rate(errors, units),
        cost_usd: sum(run.vendors.map(({ cost }) => cost)) / 100_000,
        candidates_selected: run.metrics.candidates_selected ?? null,
        verified_email_rate: rate(run.metrics.emails_verified ?? null, run.metrics.emails_found ?? null),
      });
      expect(row.day).toBe(dayOf(run));
      expect(row.has_unpriced_usage).toBe(run.vendors.some((vendor) => vendor.unpriced_calls > 0));
    }
    expect(rows.some((row) => row.usual_duration_ms === null)).toBe(true);
    expect(mine.some((run) => run.ended_at !== null && minutesOf(run) < 0)).toBe(true);
  });

  function earlierGood(run: ModelRun): ModelRun[] {
    return mine
      .filter(
        (other) =>
          other.status === 'succeeded' && !other.excluded && minutesOf(other) >= 0 && other.started_at < run.started_at,
      )
      .filter((other) => other.pipeline === run.pipeline && other.environment === run.environment)
      .toSorted((a, b) => (a.started_at < b.started_at ? 1 : -1))
      .slice(0, 10);
  }

  it('quality and QA: rates of what was measured, and only what people judged', async () => {
    const rows = plainRows(await bi.query('select * from quality'));
    expect(rows).toHaveLength(mine.length);
    for (const row of rows) {
      const run = mine.find(({ run_id }) => run_id === row.run_id);
      const crawl = run?.stages.find(({ stage }) => stage === 'crawl');
      const judged = run?.samples.filter(({ result }) => result !== 'needs_review') ?? [];
      const passed = judged.filter(({ result }) => result === 'pass').length;
      expectRow(row, {
        fallback_rate: rate(run?.metrics.fallback_used ?? null, run?.metrics.fallback_attempted ?? null),
        lookup_success_rate: rate(run?.metrics.lookups_succeeded ?? null, run?.metrics.lookups_attempted ?? null),
        bucket_low: run?.metrics.bucket_low ?? null,
        crawl_success_rate: rate(crawl?.count_success ?? null, crawl?.count_total ?? null),
        qa_samples: run?.samples.length ?? 0,
        qa_reviewed: judged.length,
        qa_failed: judged.length - passed,
        qa_pass_rate: rate(passed, judged.length),
      });
    }
    const judged = mine.flatMap((run) =>
      run.samples.filter(({ result }) => result !== 'needs_review').map((sample) => ({ ...sample, run })),
    );
    const groups = groupBy(judged, ({ run, bucket, reviewer }) => [run.run_id, bucket, reviewer]);
    const pairs = plainRows(await bi.query('select * from qa_pass_rates'));
    expect(pairs).toHaveLength(groups.size);
    for (const row of pairs) {
      const samples = groups.get(JSON.stringify([row.run_id, row.bucket, row.reviewer])) ?? [];
      const passed = samples.filter(({ result }) => result === 'pass').length;
      expectRow(row, {
        reviewed: samples.length,
        passed,
        failed: samples.length - passed,
        pass_rate: rate(passed, samples.length),
      });
    }
  });

  it('stage latency and vendor usage: null percentiles and rates where there is nothing to divide', async () => {
    const stages = plainRows(await bi.query('select * from stage_latency'));
    expect(stages).toHaveLength(sum(mine.map((run) => run.stages.length)));
    for (const row of stages) {
      const stage = mine.find(({ run_id }) => run_id === row.run_id)?.stages.find((found) => found.stage === row.stage);
      expectRow(row, {
        p95_ms: stage?.duration_samples === 0 ? null : (stage?.p95_ms ?? -1),
        error_rate: rate(stage?.count_error ?? null, stage?.count_total ?? null),
      });
    }
    const vendors = plainRows(await bi.query('select * from vendor_usage_by_run'));
    expect(vendors).toHaveLength(sum(mine.map((run) => run.vendors.length)));
    expect(vendors.filter(({ calls }) => calls === 0).length).toBeGreaterThan(0);
    for (const row of vendors) {
      if (row.calls === 0) expect(row.error_rate).toBeNull();
      expect(row.p95_ms).toBeNull();
      expect(row.has_unpriced_usage).toBe(row.unpriced_calls === 1);
    }
  });

  it('alert history: how long it took, and a value only where it is a number', async () => {
    expect(plainRows(await bi.query('select * from alert_history order by fired_at'))).toMatchObject([
      { value: 0.5, limit_value: null, minutes_to_ack: 4.5, minutes_open: 60, state: 'resolved' },
      { value: null, limit_value: null, minutes_to_ack: null, minutes_open: null, state: 'firing' },
    ]);
  });
});

/** Numbers may differ by what rounding to six digits does; null is only equal to null. */
function expectRow(row: PlainRow, expected: Record<string, number | null>): void {
  for (const [name, value] of Object.entries(expected)) {
    const found = row[name];
    if (value === null || typeof found !== 'number') expect([row, name, found]).toEqual([row, name, value]);
    else expect([name, Math.abs(found - value) <= (name.includes('minutes') ? 0.005_001 : 1e-6)]).toEqual([name, true]);
  }
}

function roundHalfUp(value: number | null): number | null {
  return value === null ? null : Math.round(value);
}

function monthsBetween(first: string, last: string): string[] {
  const months: string[] = [];
  for (let at = new Date(`${first}T00:00:00Z`); at.toISOString().slice(0, 10) <= last; ) {
    months.push(at.toISOString().slice(0, 10));
    at = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1));
  }
  return months;
}
