/** What this process received since it started, and how much a minute in the last hour: for people who look, where /metrics is for scrapers. */

import type { Metrics } from './metrics.ts';

export interface Received {
  /** The same metrics, counted here as well. */
  counting(metrics: Metrics): Metrics;
  read(): ReceivedSoFar;
}

export interface ReceivedSoFar {
  started_at: string;
  committed_rows: number;
  duplicate_rows: number;
  conflicts: number;
  refused: Record<string, number>;
  /** Requests that a quota sent back until later. */
  held: Record<string, number>;
  /** Oldest first; minutes in which nothing came are 0. */
  minutes: { at: string; rows: number }[];
}

const MINUTE_MS = 60_000;
const MINUTES_KEPT = 60;

export function createReceived(clock: () => number = Date.now): Received {
  const startedMs = clock();
  const refused = new Map<string, number>();
  const held = new Map<string, number>();
  const minutes = new Map<number, number>();
  let [committedRows, duplicateRows, conflicts] = [0, 0, 0];

  const commit = (rows: number) => {
    committedRows += rows;
    const minute = Math.floor(clock() / MINUTE_MS);
    minutes.set(minute, (minutes.get(minute) ?? 0) + rows);
    for (const oldest of minutes.keys()) {
      if (oldest > minute - MINUTES_KEPT) break;
      minutes.delete(oldest);
    }
  };

  return {
    counting: (metrics) => ({
      ...metrics,
      committed(durationSeconds, rows) {
        metrics.committed(durationSeconds, rows);
        commit(rows);
      },
      duplicateRows(rows) {
        metrics.duplicateRows(rows);
        duplicateRows += rows;
      },
      conflicts(rows) {
        metrics.conflicts(rows);
        conflicts += rows;
      },
      refused(reason, records = 1) {
        metrics.refused(reason, records);
        refused.set(reason, (refused.get(reason) ?? 0) + records);
      },
      held(quota) {
        metrics.held(quota);
        held.set(quota, (held.get(quota) ?? 0) + 1);
      },
    }),
    read() {
      const last = Math.floor(clock() / MINUTE_MS);
      const first = Math.max(last - MINUTES_KEPT + 1, Math.floor(startedMs / MINUTE_MS));
      return {
        started_at: new Date(startedMs).toISOString(),
        committed_rows: committedRows,
        duplicate_rows: duplicateRows,
        conflicts,
        refused: Object.fromEntries(refused),
        held: Object.fromEntries(held),
        minutes: Array.from({ length: last - first + 1 }, (_, index) => ({
          at: new Date((first + index) * MINUTE_MS).toISOString(),
          rows: minutes.get(first + index) ?? 0,
        })),
      };
    },
  };
}
