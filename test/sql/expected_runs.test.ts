/** Which due times are expected, and which run answers which. */

import fc from 'fast-check';
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { planExpectedRuns } from '../../receiver/derive/alerts/expected_runs.ts';
import { removeSchedule, type Schedule, setSchedule } from '../../receiver/derive/alerts/schedules.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

let database: TestDatabase;
let owner: Pool;
let warned: object[];

const PLACE = { tenantId: 1, pipeline: 'nightly', environment: '' };
const NIGHTLY: Schedule = {
  ...PLACE,
  cron: '0 2 * * *',
  timezone: 'UTC',
  startGraceSeconds: 900,
  runLimitSeconds: null,
  minimumSeconds: null,
  exceptDays: [],
  enabled: true,
};

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 4 });
});
beforeEach(async () => {
  warned = [];
  await owner.query(
    'delete from runledger.expected_runs; delete from runledger.schedules; delete from public.enrichment_runs',
  );
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

const log = { warn: (fields: object) => void warned.push(fields) };
const plan = (now: string) => planExpectedRuns(owner, { now: new Date(now), log });
const set = (given: Partial<Schedule>, now: string) => setSchedule(owner, { ...NIGHTLY, ...given }, new Date(now));

async function expected(): Promise<string[]> {
  const { rows } = await owner.query<{ due_at: Date; run_id: number | null }>(
    'select due_at, run_id from runledger.expected_runs order by tenant_id, pipeline, environment, due_at',
  );
  return rows.map(({ due_at, run_id }) => `${due_at.toISOString().slice(5, 16)}${run_id === null ? '' : ` ${run_id}`}`);
}

async function addRun(runId: number, startedAt: string, given: { pipeline?: string; environment?: string } = {}) {
  await owner.query(
    `insert into public.enrichment_runs (tenant_id, run_id, pipeline, environment, started_at) values (1, $1, $2, $3, $4)`,
    [runId, given.pipeline ?? 'nightly', given.environment ?? null, startedAt],
  );
}

describe('what is expected', () => {
  test('two days ahead, and the same when it is planned again or by several at once', async () => {
    await set({}, '2026-03-01T12:00Z');
    expect(await plan('2026-03-01T12:00Z')).toMatchObject({ added: 2, removed: 0 });
    expect(await plan('2026-03-01T12:00Z')).toMatchObject({ added: 0, removed: 0 });
    await Promise.all([1, 2, 3].map(() => plan('2026-03-02T03:00Z')));
    expect(await expected()).toEqual(['03-02T02:00', '03-03T02:00', '03-04T02:00']);
  });

  test('nothing from before the schedule was there', async () => {
    await set({ cron: '*/10 * * * *' }, '2026-03-01T12:05Z');
    await plan('2026-03-01T12:30Z');
    expect((await expected())[0]).toBe('03-01T12:10');
  });

  test('another pattern takes back what is not due yet, blames nobody for the past, and keeps what was missed', async () => {
    await set({}, '2026-03-01T12:00Z');
    await plan('2026-03-01T12:00Z');
    await set({ cron: '0 1 * * *' }, '2026-03-02T03:00Z');
    await plan('2026-03-02T03:00Z');
    expect(await expected()).toEqual(['03-02T02:00', '03-03T01:00', '03-04T01:00']);
  });

  test('a longer grace holds for what is expected already', async () => {
    await set({}, '2026-03-01T12:00Z');
    await plan('2026-03-01T12:00Z');
    await set({ startGraceSeconds: 7200 }, '2026-03-01T13:00Z');
    await plan('2026-03-01T13:00Z');
    const { rows } = await owner.query(
      "select distinct start_by - due_at = interval '2 hours' as is_longer from runledger.expected_runs",
    );
    expect(rows).toEqual([{ is_longer: true }]);
  });

  test('a day off, told even on the day, is no missed day', async () => {
    await set({ timezone: 'America/New_York', cron: '0 22 * * *' }, '2026-03-01T12:00Z');
    await plan('2026-03-01T12:00Z');
    expect(await expected()).toEqual(['03-02T03:00', '03-03T03:00']);
    await set({ timezone: 'America/New_York', cron: '0 22 * * *', exceptDays: ['2026-03-01'] }, '2026-03-02T09:00Z');
    await plan('2026-03-02T09:00Z');
    expect(await expected()).toEqual(['03-03T03:00', '03-04T03:00']);
  });

  test.each(['removed', 'disabled'])('a schedule that is %s expects nothing and has missed nothing', async (how) => {
    await set({}, '2026-03-01T12:00Z');
    await plan('2026-03-01T12:00Z');
    if (how === 'removed') expect(await removeSchedule(owner, PLACE)).toBe(true);
    else await set({ enabled: false }, '2026-03-02T09:00Z');
    await plan('2026-03-02T09:00Z');
    expect(await expected()).toEqual([]);
    expect(await removeSchedule(owner, { ...PLACE, pipeline: 'other' })).toBe(false);
  });

  test('one that SQL wrote wrong is told and leaves the others alone', async () => {
    await set({}, '2026-03-01T12:00Z');
    await owner.query(
      `insert into runledger.schedules (tenant_id, pipeline, cron, timezone) values (1, 'a', 'nonsense', 'UTC'), (1, 'b', '0 2 * * *', 'Mars/Olympus')`,
    );
    expect(await plan('2026-03-01T12:00Z')).toMatchObject({ added: 2 });
    expect(warned).toHaveLength(2);
  });

  test('old rows go', async () => {
    await set({}, '2026-03-01T12:00Z');
    await plan('2026-03-01T12:00Z');
    expect(await plan('2026-07-01T12:00Z')).toMatchObject({ expired: 2 });
  });
});

describe('which run answers', () => {
  beforeEach(() => set({ cron: '0 * * * *' }, '2026-03-01T01:30Z'));

  test('the one nearest to the due time, up to a quarter of an hour early', async () => {
    await addRun(11, '2026-03-01T01:44Z');
    await addRun(12, '2026-03-01T02:50Z');
    await plan('2026-03-01T02:55Z');
    // 11 is 16 minutes too early for two o'clock; 12 is nearer to three than to two.
    expect((await expected()).slice(0, 2)).toEqual(['03-01T02:00', '03-01T03:00 12']);
  });

  test('a late one too, as long as the next is not nearer', async () => {
    await addRun(11, '2026-03-01T02:44Z');
    await plan('2026-03-01T02:45Z');
    expect((await expected()).slice(0, 2)).toEqual(['03-01T02:00 11', '03-01T03:00']);
  });

  test('one run for one due time, and the first answer stays', async () => {
    await addRun(11, '2026-03-01T02:05Z');
    await plan('2026-03-01T02:10Z');
    await addRun(12, '2026-03-01T02:01Z');
    await addRun(13, '2026-03-01T02:02Z');
    await plan('2026-03-01T03:30Z');
    expect((await expected()).slice(0, 3)).toEqual(['03-01T02:00 11', '03-01T03:00', '03-01T04:00']);
  });

  test('runs that overlap each answer their own', async () => {
    await addRun(11, '2026-03-01T02:00Z');
    await addRun(12, '2026-03-01T03:00:01Z');
    await plan('2026-03-01T02:05Z');
    await plan('2026-03-01T03:05Z');
    expect((await expected()).slice(0, 2)).toEqual(['03-01T02:00 11', '03-01T03:00 12']);
  });

  test('exactly between two due times the earlier is answered, late', async () => {
    await set({ cron: '*/20 * * * *' }, '2026-03-01T01:30Z');
    await addRun(11, '2026-03-01T02:10Z');
    await plan('2026-03-01T02:30Z');
    expect((await expected()).slice(0, 3)).toEqual(['03-01T01:40', '03-01T02:00 11', '03-01T02:20']);
  });

  test('no other pipeline, environment or tenant, no excluded run, and none from the future', async () => {
    await addRun(11, '2026-03-01T02:00Z', { pipeline: 'other' });
    await addRun(12, '2026-03-01T02:00Z', { environment: 'staging' });
    await addRun(13, '2026-03-01T02:06Z');
    await addRun(14, '2026-03-01T02:00Z');
    await owner.query('update public.enrichment_runs set excluded = true where run_id = 14');
    await plan('2026-03-01T02:05Z');
    expect((await expected())[0]).toBe('03-01T02:00');
    await plan('2026-03-01T02:06Z');
    expect((await expected())[0]).toBe('03-01T02:00 13');
  });
});

const QUARTER_MINUTES = 15;

/** What an answer must be, told without a query: the nearest due time that the run is not too early for, the earlier of two. */
function nearestDue(dueMinutes: readonly number[], startMinute: number): number | null {
  const fitting = dueMinutes.filter((due) => startMinute >= due - QUARTER_MINUTES);
  const distance = (due: number) => Math.abs(due - startMinute);
  return fitting.reduce<number | null>(
    (best, due) => (best === null || distance(due) < distance(best) ? due : best),
    null,
  );
}

test('whatever runs start when: one answer a due time, one due time a run, always the nearest, and none left without need', async () => {
  const day = Date.parse('2026-03-05T00:00Z');
  const at = (minute: number) => new Date(day + minute * 60_000).toISOString();
  const minute = fc.integer({ min: 0, max: 600 });
  const dues = fc.uniqueArray(
    fc.oneof(
      minute,
      minute.map((m) => m - (m % 20)),
    ),
    { minLength: 1, maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(dues, fc.array(minute, { maxLength: 15 }), fc.boolean(), async (due, starts, piecemeal) => {
      await owner.query('delete from runledger.expected_runs; delete from public.enrichment_runs');
      // Due times of a schedule that cannot be read stay as they are, so that these are only answered.
      await set({}, '2026-03-01T00:00Z');
      await owner.query(`update runledger.schedules set cron = 'unreadable'`);
      await owner.query(
        `insert into runledger.expected_runs (tenant_id, pipeline, environment, due_at, start_by)
         select 1, 'nightly', '', d, d from unnest($1::timestamptz[]) d`,
        [due.map(at)],
      );
      const sorted = [...starts].sort((a, b) => a - b);
      for (const [index, start] of sorted.entries()) {
        await addRun(index + 1, at(start));
        if (piecemeal) await plan(at(start));
      }
      await plan(at(700));
      const { rows } = await owner.query<{ due_at: Date; run_id: number | null }>(
        'select due_at, run_id from runledger.expected_runs order by due_at',
      );
      const answered = rows.filter(({ run_id }) => run_id !== null);
      expect(new Set(answered.map(({ run_id }) => run_id)).size).toBe(answered.length);
      const ascending = [...due].sort((a, b) => a - b);
      const wanted = sorted.map((start) => nearestDue(ascending, start));
      for (const { due_at, run_id } of rows) {
        const dueMinute = (due_at.getTime() - day) / 60_000;
        if (run_id === null) expect(wanted).not.toContain(dueMinute);
        else expect(wanted[run_id - 1]).toBe(dueMinute);
      }
    }),
    { numRuns: 40 },
  );
}, 120_000);
