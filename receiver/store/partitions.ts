/** Makes the day partitions of run_event_logs that a group of rows needs, before its transaction; write/ calls it, and start ahead of time. */

import type pg from 'pg';
import { errorCode } from './errors.ts';
import { loadSql } from './sql.ts';

/** What runledger.ensure_partition raises for a day below the retention floor. */
const BELOW_FLOOR = 'RL001';
const REMEMBERED_DAYS = 10_000;

const knownDays = new WeakMap<pg.Pool, Set<string>>();

/**
 * Sees to it that each day has its partition, each in a short transaction of its own. Days seen before on this pool cost nothing.
 * @param pool of runledger_ingest
 * @param days UTC days as YYYY-MM-DD
 * @returns the days below the retention floor, which have none and get none: their rows are too old
 * @throws the database error (RL002: a day outside 2000..2100; 55P03 and the like are retryable)
 */
export async function ensurePartitions(pool: pg.Pool, days: readonly string[]): Promise<string[]> {
  const known = knownDays.get(pool) ?? new Set<string>();
  knownDays.set(pool, known);
  const belowFloor: string[] = [];
  for (const day of [...new Set(days)].filter((candidate) => !known.has(candidate)).sort()) {
    try {
      await pool.query(loadSql('queries/store/ensure_partition'), [day]);
    } catch (error) {
      if (errorCode(error) !== BELOW_FLOOR) throw error;
      belowFloor.push(day);
      continue;
    }
    if (known.size >= REMEMBERED_DAYS) known.clear();
    known.add(day);
  }
  return belowFloor;
}

/** Forgets which days are there: for a caller whose insert found no partition (23514), because retention had just dropped it. */
export function forgetPartitions(pool: pg.Pool): void {
  knownDays.delete(pool);
}
