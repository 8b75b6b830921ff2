/**
 * Due times of the schedules as rows, two days ahead, and the runs that answered them: what the rule for missed runs compares. Cron and time
 * zones are read here; the database only compares times.
 */

import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '../../store/pool.ts';
import { loadSql } from '../../store/sql.ts';
import { dayReader, dueTimes, listSchedules, ScheduleError, type StoredSchedule } from './schedules.ts';

const HOUR_MS = 3_600_000;
const AHEAD_MS = 48 * HOUR_MS;
/** Due times that nobody computed because no receiver was up are expected all the same, when they are this new. */
const BEHIND_MS = HOUR_MS;
const KEPT_DAYS = 100;
const EARLY = '15 minutes';
/** Beyond it a run that comes is no late one but another. */
const LATE = '35 days';

export interface ExpectedRunsLog {
  warn(fields: object, message: string): void;
}

export interface ExpectedRunsResult {
  added: number;
  removed: number;
  /** Due times that got their run. */
  answered: number;
  /** Removed for their age. */
  expired: number;
  /** Another receiver does it at this moment. */
  busy: boolean;
}

interface Expected {
  tenant_id: number;
  pipeline: string;
  environment: string;
  due_at: Date;
  start_by: Date;
}

/**
 * Brings the rows up to date with the schedules and the runs. May run twice, beside itself, and stop anywhere, with the same end result.
 * @param pool speaks as runledger_owner
 */
export function planExpectedRuns(
  pool: Pool,
  { now = new Date(), log }: { now?: Date; log: ExpectedRunsLog },
): Promise<ExpectedRunsResult> {
  return inTransaction(pool, async (client) => {
    // No rule is called so: their names hold no space.
    const lock = await client.query<{ locked: boolean }>(loadSql('queries/alerts/try_lock_rule'), ['expected runs']);
    if (lock.rows[0]?.locked !== true) return { added: 0, removed: 0, answered: 0, expired: 0, busy: true };
    const schedules = await listSchedules(client);
    const { rows: unanswered } = await client.query<Expected>(loadSql('queries/alerts/read_unanswered'));
    const plan = planOf(schedules, unanswered, now, log);
    const removed = await change(client, 'queries/alerts/remove_expected', plan.remove);
    const added = await change(client, 'queries/alerts/add_expected', plan.add);
    const answers = await client.query(loadSql('queries/alerts/answer_expected'), [now, EARLY, LATE]);
    const old = new Date(now.getTime() - KEPT_DAYS * 24 * HOUR_MS);
    const expired = await client.query(loadSql('queries/alerts/remove_old_expected'), [old]);
    return { added, removed, answered: answers.rowCount ?? 0, expired: expired.rowCount ?? 0, busy: false };
  });
}

async function change(
  client: PoolClient,
  query: 'queries/alerts/remove_expected' | 'queries/alerts/add_expected',
  rows: readonly Expected[],
): Promise<number> {
  if (rows.length === 0) return 0;
  return (await client.query(loadSql(query), [JSON.stringify(rows)])).rowCount ?? 0;
}

/** What has to be added or corrected, and what is no longer expected. */
function planOf(
  schedules: readonly StoredSchedule[],
  unanswered: readonly Expected[],
  now: Date,
  log: ExpectedRunsLog,
): { add: Expected[]; remove: Expected[] } {
  const bySchedule = new Map<string, Expected[]>();
  for (const row of unanswered) {
    const known = bySchedule.get(placeOf(row));
    if (known === undefined) bySchedule.set(placeOf(row), [row]);
    else known.push(row);
  }
  const plan: { add: Expected[]; remove: Expected[] } = { add: [], remove: [] };
  for (const schedule of schedules.filter(({ enabled }) => enabled)) {
    const place = placeOf({ ...schedule, tenant_id: schedule.tenantId });
    const known = bySchedule.get(place) ?? [];
    bySchedule.delete(place);
    try {
      planSchedule(schedule, known, now, plan);
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error;
      const { tenantId: tenant_id, pipeline } = schedule;
      log.warn({ tenant_id, pipeline, err: error }, 'a schedule cannot be read, its due times stay as they are');
    }
  }
  // Without its schedule nothing is expected, and nothing was missed.
  for (const orphans of bySchedule.values()) plan.remove.push(...orphans);
  return plan;
}

function planSchedule(
  schedule: StoredSchedule,
  known: readonly Expected[],
  now: Date,
  plan: { add: Expected[]; remove: Expected[] },
): void {
  const { tenantId: tenant_id, pipeline, environment, startGraceSeconds } = schedule;
  const after = new Date(Math.max(schedule.createdAt.getTime(), now.getTime() - BEHIND_MS));
  const expected = new Map<number, Expected>();
  for (const due_at of dueTimes(schedule, after, new Date(now.getTime() + AHEAD_MS))) {
    const start_by = new Date(due_at.getTime() + startGraceSeconds * 1000);
    expected.set(due_at.getTime(), { tenant_id, pipeline, environment, due_at, start_by });
  }
  const dayOf = dayReader(schedule.timezone);
  for (const row of known) {
    const wanted = expected.get(row.due_at.getTime());
    const isExcepted = schedule.exceptDays.includes(dayOf(row.due_at));
    if (isExcepted || (wanted === undefined && row.due_at > now)) plan.remove.push(row);
    if (wanted !== undefined && wanted.start_by.getTime() === row.start_by.getTime())
      expected.delete(row.due_at.getTime());
  }
  plan.add.push(...expected.values());
}

function placeOf({ tenant_id, pipeline, environment }: Pick<Expected, 'tenant_id' | 'pipeline' | 'environment'>) {
  return JSON.stringify([tenant_id, pipeline, environment]);
}
