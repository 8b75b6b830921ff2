/** Rules about runs as such: failed, missed, stuck. A wrong answer wakes somebody for nothing, or nobody at all. */
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../receiver/store/pool.ts';
import { clearRuns, findingsOf, override, seedRun, verdictsOf } from '../helpers/alert_runs.ts';
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

async function expectRun(dueAt: string, runId: number | null = null, tenant = 7): Promise<void> {
  await owner.query(
    `insert into runledger.expected_runs values ($1, 'nightly', 'prod', $2, $2::timestamptz + interval '15 minutes', $3)`,
    [tenant, dueAt, runId],
  );
}

describe('run_failed', () => {
  it('fires on a failed run with what failed in it, and is over with the next good one', async () => {
    const failed = await seedRun(owner, at('03:00'), {
      status: 'failed',
      minutes: 12,
      stages: { crawl: { status: 'ok' }, score: { status: 'error', total: 10, errors: 4 } },
    });
    expect(await findingsOf(owner, 'run_failed', NOON)).toEqual([
      {
        tenantId: 7,
        environment: 'prod',
        pipeline: 'nightly',
        subject: '',
        verdict: 'bad',
        severity: 'page',
        runId: failed,
        numbers: { value: 'failed', minutes: 12, stages_in_error: 'score', units_in_error: 4 },
      },
    ]);
    await seedRun(owner, at('08:00'));
    expect(await findingsOf(owner, 'run_failed', NOON)).toEqual([]);
  });

  it('says what was true at an earlier moment', async () => {
    await seedRun(owner, at('01:00'), { status: 'failed' });
    await seedRun(owner, at('03:00'));
    expect(await verdictsOf(owner, 'run_failed', at('01:30'))).toEqual([]);
    expect(await verdictsOf(owner, 'run_failed', at('02:30'))).toEqual(['bad page']);
    expect(await verdictsOf(owner, 'run_failed', at('03:30'))).toEqual(['bad page']);
    expect(await verdictsOf(owner, 'run_failed', at('04:00'))).toEqual([]);
  });

  it('takes the run that began last where runs overlap, whichever ended last', async () => {
    await seedRun(owner, at('03:00'), { status: 'failed', minutes: 300 });
    await seedRun(owner, at('04:00'), { minutes: 30 });
    expect(await verdictsOf(owner, 'run_failed', NOON)).toEqual([]);
  });

  it('leaves out running, cancelled, excluded and not yet derived runs: the one before still counts', async () => {
    await seedRun(owner, at('03:00'), { status: 'failed' });
    for (const run of [
      { status: 'running', derived: 'running' },
      { status: 'cancelled' },
      { status: 'succeeded', excluded: true },
      { status: 'succeeded', derived: null },
      { status: 'succeeded', derived: 'running' },
    ])
      await seedRun(owner, at('08:00'), run);
    expect(await verdictsOf(owner, 'run_failed', NOON)).toEqual(['bad page']);
  });

  it('is over when the failed run goes on, and when an operator excludes it', async () => {
    await seedRun(owner, at('01:00'));
    const runId = await seedRun(owner, at('03:00'), { status: 'failed' });
    await owner.query("update public.enrichment_runs set status = 'running', ended_at = null where run_id = $1", [
      runId,
    ]);
    expect(await verdictsOf(owner, 'run_failed', NOON)).toEqual([]);
    await owner.query(
      "update public.enrichment_runs set status = 'failed', ended_at = $2, excluded = true where run_id = $1",
      [runId, at('04:00')],
    );
    expect(await verdictsOf(owner, 'run_failed', NOON)).toEqual([]);
  });

  it('holds on an abandoned run: it is neither a failure nor a success', async () => {
    await seedRun(owner, at('03:00'), { status: 'abandoned' });
    expect(await verdictsOf(owner, 'run_failed', NOON)).toEqual(['hold']);
  });

  it('keeps tenants, pipelines and environments apart, and takes runs without either for what they are', async () => {
    await seedRun(owner, at('03:00'), { status: 'failed', pipeline: null, environment: null });
    await seedRun(owner, at('04:00'), { environment: 'test' });
    await seedRun(owner, at('04:00'), { pipeline: 'other' });
    await seedRun(owner, at('05:00'), { tenant: 8, pipeline: null, environment: null });
    expect(
      (await findingsOf(owner, 'run_failed', NOON)).map((found) => [found.tenantId, found.pipeline, found.environment]),
    ).toEqual([[7, '', '']]);
  });

  it('judges a run that ended before it started or ahead of our clock, and none without a start', async () => {
    await seedRun(owner, at('03:00'), { status: 'failed', minutes: -5, receivedAt: at('03:00') });
    expect(await verdictsOf(owner, 'run_failed', NOON)).toEqual(['bad page']);
    await clearRuns(owner);
    await seedRun(owner, at('13:00'), { status: 'failed', minutes: 30, receivedAt: at('11:30') });
    expect(await verdictsOf(owner, 'run_failed', NOON)).toEqual(['bad page']);
    await clearRuns(owner);
    await seedRun(owner, null, { status: 'failed', receivedAt: at('03:00') });
    expect(await verdictsOf(owner, 'run_failed', NOON)).toEqual([]);
  });

  it('judges an adopted row that only its application wrote not at all', async () => {
    await seedRun(owner, at('03:00'), {
      status: 'failed',
      receivedAt: null,
      derived: null,
      pipeline: null,
      environment: null,
    });
    expect(await verdictsOf(owner, 'run_failed', NOON)).toEqual([]);
  });
});

describe('run_missed', () => {
  it('fires after the grace, and is over when a late run comes', async () => {
    await schedule();
    await expectRun(at('03:00'));
    expect(await verdictsOf(owner, 'run_missed', at('03:15'))).toEqual([]);
    expect(await findingsOf(owner, 'run_missed', at('03:16'))).toEqual([
      {
        tenantId: 7,
        environment: 'prod',
        pipeline: 'nightly',
        subject: '',
        verdict: 'bad',
        severity: 'page',
        runId: null,
        numbers: { value: 1, due_at: at('03:00'), start_by: at('03:15') },
      },
    ]);
    const late = await seedRun(owner, at('04:00'), { status: 'running' });
    await owner.query('update runledger.expected_runs set run_id = $1', [late]);
    expect(await verdictsOf(owner, 'run_missed', at('03:59'))).toEqual(['bad page']);
    expect(await verdictsOf(owner, 'run_missed', at('04:00'))).toEqual([]);
  });

  it('is over when the next due time is answered, even a little early, and counts what was missed in a row', async () => {
    await schedule();
    await expectRun('2026-11-17T03:00:00Z', await seedRun(owner, '2026-11-17T03:00:00Z'));
    await expectRun('2026-11-18T03:00:00Z');
    await expectRun('2026-11-19T03:00:00Z');
    expect((await findingsOf(owner, 'run_missed', '2026-11-19T12:00:00Z'))[0]?.numbers.value).toBe(2);
    await expectRun(at('03:00'), await seedRun(owner, at('02:55')));
    expect(await verdictsOf(owner, 'run_missed', at('02:54'))).toEqual(['bad page']);
    expect(await verdictsOf(owner, 'run_missed', at('02:56'))).toEqual([]);
  });

  it('counts a run that was cancelled, excluded or is gone as started', async () => {
    await schedule();
    await expectRun(at('03:00'), await seedRun(owner, at('03:00'), { status: 'cancelled', excluded: true }));
    expect(await verdictsOf(owner, 'run_missed', NOON)).toEqual([]);
    await owner.query('update runledger.expected_runs set run_id = 987654');
    expect(await verdictsOf(owner, 'run_missed', NOON)).toEqual([]);
  });

  it('misses nothing where the schedule is off or gone, the tenant disabled or the rule off for the pipeline', async () => {
    await seedRun(owner, at('01:00'));
    await expectRun(at('03:00'));
    expect(await verdictsOf(owner, 'run_missed', NOON)).toEqual([]);
    await schedule({ enabled: false });
    expect(await verdictsOf(owner, 'run_missed', NOON)).toEqual([]);
    await owner.query('update runledger.schedules set enabled = true');
    expect(await verdictsOf(owner, 'run_missed', NOON)).toEqual(['bad page']);
    await override(owner, 'run_missed', {}, { pipeline: 'nightly', enabled: false });
    expect(await verdictsOf(owner, 'run_missed', NOON)).toEqual([]);
    await override(owner, 'run_missed', {}, { pipeline: 'nightly', enabled: true });
    await owner.query("update runledger.tenants set status = 'disabled' where tenant_id = 7");
    expect(await verdictsOf(owner, 'run_missed', NOON)).toEqual([]);
  });
});

describe('run_stuck', () => {
  it('fires when nothing comes for the limit, and is over with the next sign of life', async () => {
    const runId = await seedRun(owner, at('11:00'), { status: 'running', receivedAt: at('11:30') });
    expect(await verdictsOf(owner, 'run_stuck', at('11:59'))).toEqual([]);
    expect(await findingsOf(owner, 'run_stuck', NOON)).toMatchObject([
      { subject: 'silent', severity: 'page', runId, numbers: { value: 30, limit: 30, status: 'running' } },
    ]);
    await owner.query('update public.enrichment_runs set last_received_at = $1', [NOON]);
    expect(await verdictsOf(owner, 'run_stuck', NOON)).toEqual([]);
  });

  it('goes on while the silent run is abandoned, until it is corrected or a later one ends', async () => {
    const runId = await seedRun(owner, at('03:00'), { status: 'abandoned', receivedAt: at('03:30') });
    expect(await verdictsOf(owner, 'run_stuck', NOON)).toEqual(['bad page silent']);
    await seedRun(owner, at('11:50'), { status: 'running', receivedAt: at('11:59') });
    expect(await verdictsOf(owner, 'run_stuck', NOON)).toEqual(['bad page silent']);
    await owner.query("update public.enrichment_runs set status = 'succeeded', ended_at = $2 where run_id = $1", [
      runId,
      at('03:20'),
    ]);
    expect(await verdictsOf(owner, 'run_stuck', NOON)).toEqual([]);
    await owner.query("update public.enrichment_runs set status = 'abandoned', ended_at = null where run_id = $1", [
      runId,
    ]);
    await seedRun(owner, at('09:00'), { derived: null });
    expect(await verdictsOf(owner, 'run_stuck', NOON)).toEqual([]);
  });

  it('takes an abandoned run as silent and never as over its limit', async () => {
    await override(owner, 'run_stuck', { limit_minutes: 10 });
    await seedRun(owner, at('03:00'), { status: 'abandoned', receivedAt: at('03:30') });
    expect(await verdictsOf(owner, 'run_stuck', at('03:31'))).toEqual(['bad page over_limit']);
    expect(await verdictsOf(owner, 'run_stuck', NOON)).toEqual(['bad page silent']);
  });

  it('was not silent yet at an earlier moment', async () => {
    await seedRun(owner, at('03:00'), { status: 'abandoned', receivedAt: at('03:30') });
    expect(await verdictsOf(owner, 'run_stuck', at('03:59'))).toEqual([]);
    expect(await verdictsOf(owner, 'run_stuck', at('04:00'))).toEqual(['bad page silent']);
  });

  it('looks at cancelled, excluded and never received runs no more', async () => {
    await seedRun(owner, at('03:00'), { status: 'cancelled' });
    await seedRun(owner, at('03:00'), { status: 'running', excluded: true });
    await seedRun(owner, at('03:00'), { status: 'running', receivedAt: null });
    expect(await verdictsOf(owner, 'run_stuck', NOON)).toEqual([]);
  });

  it('knows a limit by rule, by tenant and by schedule, the last winning, and it is over when the run ends', async () => {
    const long = { status: 'running', receivedAt: at('11:59') };
    const runId = await seedRun(owner, at('09:00'), long);
    expect(await verdictsOf(owner, 'run_stuck', NOON)).toEqual([]);
    await override(owner, 'run_stuck', { limit_minutes: 120 });
    expect(await findingsOf(owner, 'run_stuck', NOON)).toMatchObject([
      { subject: 'over_limit', runId, numbers: { value: 180, limit: 120, status: 'running' } },
    ]);
    await schedule({ run_limit_seconds: 4 * 3600 });
    expect(await verdictsOf(owner, 'run_stuck', NOON)).toEqual([]);
    await owner.query('update runledger.schedules set enabled = false');
    expect(await verdictsOf(owner, 'run_stuck', NOON)).toEqual(['bad page over_limit']);
    await owner.query('update runledger.schedules set run_limit_seconds = 3600, enabled = true');
    expect(await verdictsOf(owner, 'run_stuck', NOON)).toEqual(['bad page over_limit']);
    await owner.query("update public.enrichment_runs set status = 'succeeded', ended_at = $1", [at('11:59')]);
    expect(await verdictsOf(owner, 'run_stuck', NOON)).toEqual([]);
  });

  it('tells one finding for several silent runs of a pipeline, naming the newest', async () => {
    await seedRun(owner, at('03:00'), { status: 'running' });
    const newest = await seedRun(owner, at('04:00'), { status: 'running' });
    const found = await findingsOf(owner, 'run_stuck', NOON);
    expect(found.map(({ subject, runId }) => [subject, runId])).toEqual([['silent', newest]]);
  });
});
