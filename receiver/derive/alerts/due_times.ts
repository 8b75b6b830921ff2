/**
 * Due times of the next two days, kept from plan to plan: a pattern that is due every minute has thousands of them, reading a clock in a time
 * zone is slow, and each plan needs only what has come nearer since the last one. Others get their turn in between.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { dueTimes, type Schedule } from './schedules.ts';

interface Known {
  /** Milliseconds since the epoch: all due times after `fromMs` up to `untilMs` are known. */
  fromMs: number;
  untilMs: number;
  times: number[];
}

/** Of patterns and time zones; schedules share them. */
const known = new Map<string, Known>();
const PATTERNS_MAX = 2_000;
/** About ten milliseconds of work. */
const TIMES_A_TURN = 50;

/**
 * Due times after `from` up to `until`, ascending, those of days off included.
 * @param from not before that of an earlier call for the same pattern, or all is computed anew
 * @throws ScheduleError
 */
export async function keptDueTimes(
  { cron, timezone }: Pick<Schedule, 'cron' | 'timezone'>,
  from: Date,
  until: Date,
): Promise<Date[]> {
  const name = `${timezone} ${cron}`;
  const entry = usable(known.get(name), from.getTime()) ?? {
    fromMs: from.getTime(),
    untilMs: from.getTime(),
    times: [],
  };
  let found = 0;
  for (const due of dueTimes({ cron, timezone, exceptDays: [] }, new Date(entry.untilMs), until)) {
    entry.times.push(due.getTime());
    entry.untilMs = due.getTime();
    if (++found % TIMES_A_TURN === 0) await nextTurn();
  }
  entry.untilMs = Math.max(entry.untilMs, until.getTime());
  if (known.size >= PATTERNS_MAX) known.clear();
  known.set(name, entry);
  return entry.times.filter((ms) => ms <= until.getTime()).map((ms) => new Date(ms));
}

/** A copy that begins at `fromMs`, so that plans that go on at once do not add to one list. */
function usable(entry: Known | undefined, fromMs: number): Known | null {
  if (entry === undefined || entry.fromMs > fromMs || entry.untilMs < fromMs) return null;
  return { fromMs, untilMs: entry.untilMs, times: entry.times.filter((ms) => ms > fromMs) };
}
