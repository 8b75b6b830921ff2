/** Durations merged by day: readers get the same answers with them as without, whatever became of the runs since they were merged. */
import fc from 'fast-check';
import pg, { type Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { rebuild } from '../../receiver/derive/rebuild.ts';
import { retain } from '../../receiver/derive/retention.ts';
import { rollUpTrends } from '../../receiver/derive/roll_up_trends.ts';
import { createPool, inTransaction } from '../../receiver/store/pool.ts';
import { loadSql } from '../../receiver/store/sql.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { createDays, type LedgerRow, ledgerRow, writeRows } from '../helpers/ledger_writer.ts';
import { killWaiting, waitForLockWait } from '../helpers/lock_waits.ts';
import { keepFrom } from '../helpers/retention_runs.ts';

const TENANT = 1;
const DAYS = ['2026-03-01', '2026-03-02'] as const;
const PIPELINES = ['nightly', 'weekly', null] as const;
const RUNS = 7;

let database: TestDatabase;
let owner: Pool;
let superuser: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 4 });
  superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 2 });
});
beforeEach(clear);
afterAll(async () => {
  await Promise.all([owner.end(), superuser.end()]);
  await database.drop();
});

async function clear(): Promise<void> {
  await owner.query("update runledger.retention set floor_day = '2000-01-01'");
  await createDays(owner, DAYS[0], '2026-03-03');
  for (const table of 'run_event_logs enrichment_runs run_stage_stats run_vendor_usage run_metrics'.split(' '))
    await owner.query(`delete from public.${table}`);
  for (const table of 'dirty_runs trend_buckets trend_days sealed_runs model_usage'.split(' '))
    await owner.query(`delete from runledger.${table}`);
}

/** A week's percentiles from all rows of its runs at once, without the view. */
const FROM_RUNS = `
  select w.week, w.pipeline, w.environment, w.stage, w.class, w.runs::int as runs, w.samples::int as samples,
    round(w.q[1]::numeric)::int as p50_ms, round(w.q[2]::numeric)::int as p95_ms, round(w.q[3]::numeric)::int as p99_ms
  from (
    select date_trunc('week', coalesce(r.started_at, r.first_event_at) at time zone 'UTC')::date::text as week, r.pipeline, r.environment,
      t.stage, t.class, count(*) as runs, sum(t.samples) as samples, runledger.trend_quantiles(array_agg(t), '{0.5, 0.95, 0.99}') as q
    from runledger.trend_buckets t join public.enrichment_runs r using (tenant_id, run_id)
    where r.status <> 'running' and not r.excluded and r.tenant_id = $1
    group by 1, 2, 3, 4, 5
  ) w`;
const FROM_VIEW = `
  select week::text, pipeline, environment, stage, class, runs::int, samples::int, p50_ms::int, p95_ms::int, p99_ms::int
  from public.latency_trends where tenant_id = $1`;

const STAGES = loadSql('queries/serve/trend_stages');

interface Answers {
  weeks: string[];
  stages: string[][];
}

async function answersOf(client: pg.PoolClient, weeks: string): Promise<Answers> {
  const lines = ({ rows }: pg.QueryResult) => rows.map((row) => JSON.stringify(row)).sort();
  const stages: string[][] = [];
  // Whole days, and from the middle of one, where a part of its runs is asked for.
  for (const from of ['2026-02-28', '2026-03-01 06:30Z']) {
    for (const pipeline of [null, 'nightly'])
      stages.push(lines(await client.query(STAGES, [TENANT, pipeline, null, from, '2026-03-04', 'day', from])));
  }
  return { weeks: lines(await client.query(weeks, [TENANT])), stages };
}

/** Reads with the merged rows, then without any, and from the runs. */
async function expectSame(): Promise<void> {
  const client = await owner.connect();
  try {
    await client.query('begin');
    const answers = await answersOf(client, FROM_VIEW);
    await client.query('delete from runledger.trend_days');
    expect(answers).toEqual(await answersOf(client, FROM_VIEW));
    expect(answers.weeks).toEqual((await answersOf(client, FROM_RUNS)).weeks);
  } finally {
    await client.query('rollback');
    client.release();
  }
}

function rowsOf(runId: number, day: string, durations: readonly number[]): LedgerRow[] {
  const run = { tenant_id: TENANT, run_id: runId, ts: `${day} ${String(runId).padStart(2, '0')}:00:00+00` };
  const own = ledgerRow({ ...run, kind: 'run', duration_ms: 1 });
  // Which class a stage's percentiles are over differs from run to run.
  const kinds = runId % 3 === 0 ? (['vendor_call', 'stage'] as const) : (['item', 'vendor_call'] as const);
  return [
    own,
    ...durations.map((duration_ms, place) => ledgerRow({ ...run, kind: kinds[place % 2] ?? 'item', duration_ms })),
  ];
}

async function setRun(runId: number, column: string, value: unknown): Promise<void> {
  await owner.query(`update public.enrichment_runs set ${column} = $1 where run_id = $2`, [value, runId]);
}

/** Half of the runs on either day, most of one pipeline, so that days have enough runs to be merged. */
async function writeAll(durations: readonly number[][]): Promise<void> {
  for (const [place, own] of durations.entries()) {
    const runId = place + 1;
    await writeRows(owner, rowsOf(runId, DAYS[runId % 5 === 0 ? 1 : 0], own), { status: 'succeeded' });
    await owner.query(
      "update public.enrichment_runs set pipeline = 'nightly', environment = 'production', started_at = first_event_at where run_id = $1",
      [runId],
    );
  }
}

async function mergedRows(): Promise<number> {
  return (await owner.query('select count(*)::int as n from runledger.trend_days')).rows[0]?.n;
}

/** A day that retention has not dropped. */
async function openDay(place: number): Promise<string> {
  const { rows } = await owner.query('select floor_day > $1 as is_gone from runledger.retention', [DAYS[0]]);
  return rows[0]?.is_gone === true || place % 2 === 1 ? DAYS[1] : DAYS[0];
}

type Step = { of: number; what: string; durations: number[]; place: number };

const STEPS: Record<string, (step: Step) => Promise<unknown>> = {
  merge: () => rollUpTrends(owner),
  'merge twice at once': () => Promise.all([rollUpTrends(owner), rollUpTrends(owner)]),
  derive: () => deriveDue(owner, { all: true }),
  'derive while merging': () => Promise.all([deriveDue(owner, { all: true }), rollUpTrends(owner)]),
  'late rows': async ({ of, place, durations }) => writeRows(owner, rowsOf(of, await openDay(place), durations)),
  'goes on': async ({ of, durations }) =>
    writeRows(owner, rowsOf(of, await openDay(0), durations), { status: 'running' }),
  ends: async ({ of, durations }) => writeRows(owner, rowsOf(of, await openDay(0), durations), { status: 'failed' }),
  exclude: ({ of }) => setRun(of, 'excluded', true),
  include: ({ of }) => setRun(of, 'excluded', false),
  'other pipeline': ({ of, place }) => setRun(of, 'pipeline', PIPELINES[place % 3] ?? null),
  'other day': ({ of, place }) => setRun(of, 'started_at', place % 3 === 2 ? null : `${DAYS[place % 2]} 05:00Z`),
  rebuild: () => rebuild(owner, {}),
  retention: () => retain(owner, keepFrom(DAYS[1])),
};

const durations = fc.array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 400_000 })), {
  maxLength: 8,
});
const step: fc.Arbitrary<Step> = fc.record({
  of: fc.integer({ min: 1, max: RUNS }),
  what: fc.constantFrom(...Object.keys(STEPS)),
  durations,
  place: fc.nat({ max: 5 }),
});

describe('merged rows', () => {
  it('change no answer, whatever happened to the runs before and since', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(durations, { minLength: RUNS, maxLength: RUNS }),
        fc.array(step, { minLength: 1, maxLength: 8 }),
        async (runs, steps) => {
          await clear();
          await writeAll(runs);
          await deriveDue(owner, { all: true });
          await rollUpTrends(owner);
          for (const one of steps) {
            await STEPS[one.what]?.(one);
            await expectSame();
          }
          // Whatever was left behind, the next time brings all days up to date.
          await rollUpTrends(owner);
          expect(await rollUpTrends(owner)).toEqual({ runs_hashed: 0, days_merged: 0 });
          await expectSame();
        },
      ),
      { numRuns: 15 },
    );
  }, 600_000);

  it('are what is read when they are of the runs of their day, and stay when the events are gone', async () => {
    await writeAll(Array.from({ length: RUNS }, (_, place) => [place, 10 * place + 1]));
    await deriveDue(owner, { all: true });
    expect(await rollUpTrends(owner)).toEqual({ runs_hashed: 0, days_merged: 1 });
    expect(await mergedRows()).toBeGreaterThan(0);
    await retain(owner, keepFrom('2026-03-03'));
    await expectSame();
    const runs = () =>
      inTransaction(owner, async (client) => {
        const { rows } = await client.query(
          `select runs::int from public.latency_trends where week = '2026-02-23' and class = 'item'`,
        );
        return rows[0]?.runs;
      });
    const before = await runs();
    await owner.query("update runledger.trend_days set runs = runs + 1000 where stage = 'crawl' and class = 'item'");
    expect(await runs()).toBe(before + 1000);
    await setRun(1, 'excluded', true);
    expect(await runs()).toBe(before - 1);
  });

  it('are made of runs that were derived before there were fingerprints, and go when too few runs are left', async () => {
    await writeAll(Array.from({ length: RUNS }, () => [7, 9]));
    await deriveDue(owner, { all: true });
    await owner.query('update public.enrichment_runs set trends_hash = null');
    expect(await rollUpTrends(owner)).toEqual({ runs_hashed: RUNS, days_merged: 1 });
    expect(await mergedRows()).toBeGreaterThan(0);
    await owner.query('update public.enrichment_runs set excluded = run_id > 1');
    expect(await rollUpTrends(owner)).toEqual({ runs_hashed: 0, days_merged: 1 });
    expect(await mergedRows()).toBe(0);
    await expectSame();
  });

  it('are all there or as before when a merge is killed', async () => {
    await writeAll(Array.from({ length: RUNS }, () => [7, 9]));
    await deriveDue(owner, { all: true });
    await rollUpTrends(owner);
    const read = async () => (await owner.query('select * from runledger.trend_days order by stage, class')).rows;
    const before = await read();
    await setRun(1, 'excluded', true);
    const blocker = await owner.connect();
    try {
      await blocker.query('begin');
      await blocker.query('select from runledger.trend_days for update');
      const merging = rollUpTrends(owner);
      const [outcome] = await Promise.allSettled([merging, waitForLockWait(owner).then(() => killWaiting(superuser))]);
      expect(outcome).toMatchObject({ status: 'rejected' });
    } finally {
      await blocker.query('rollback');
      blocker.release();
    }
    expect(await read()).toEqual(before);
    await expectSame();
    expect(await rollUpTrends(owner)).toMatchObject({ days_merged: 1 });
    await expectSame();
  });
});
