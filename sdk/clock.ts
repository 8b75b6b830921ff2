/**
 * The clock of a run that is told after the fact: it starts at the time that the pipeline names and goes on at the speed of this process, so
 * that durations are those of the work that is really done. Runs of today have none, and OpenTelemetry's own times hold.
 */

import type { HrTime } from '@opentelemetry/api';
import { warnOnce } from './health.ts';

export interface RunClock {
  /** Exactly what the pipeline said. */
  readonly startedAt: HrTime;
  /** Seconds and nanoseconds since the epoch. */
  now(): HrTime;
}

const LATEST_MS = 8.64e15;

/** @returns null when `startedAt` is absent, or no time; then the process's clock is used. */
export function clockFrom(startedAt: Date | number | undefined): RunClock | null {
  if (startedAt === undefined) return null;
  const startMs = startedAt instanceof Date ? startedAt.getTime() : startedAt;
  if (typeof startMs !== 'number' || !(Math.abs(startMs) <= LATEST_MS)) {
    warnOnce('STARTED_AT', 'startedAt is no time, so the run gets the present one: give a Date, or milliseconds.');
    return null;
  }
  const begunMs = performance.now();
  return { startedAt: toHrTime(startMs, 0), now: () => toHrTime(startMs, performance.now() - begunMs) };
}

/** The two parts are kept apart until here: their sum as one number would lose what is below a quarter of a microsecond. */
function toHrTime(startMs: number, elapsedMs: number): HrTime {
  const wholeMs = Math.floor(startMs);
  const nanoseconds = (wholeMs % 1000) * 1e6 + Math.round((startMs - wholeMs + elapsedMs) * 1e6);
  return [Math.floor(wholeMs / 1000) + Math.floor(nanoseconds / 1e9), nanoseconds % 1e9];
}
