/** Times of a span: microseconds since the epoch, floored by decode. Clocks may refuse a span, they never re-date it. */

import { LIMITS } from '../limits.ts';
import type { MapContext } from './snapshot.ts';

const YEAR_2000_US = Date.UTC(2000, 0, 1) * 1000;
const YEAR_2100_US = Date.UTC(2100, 0, 1) * 1000;
const HOUR_US = 3_600_000_000;

/** 0 for a time that was not sent or that no clock of ours shows. */
export function plausibleUs(us: number): number {
  return us >= YEAR_2000_US && us < YEAR_2100_US ? us : 0;
}

/** Why a row at `us` cannot be kept, or null. */
export function refuseTime(us: number, context: MapContext): 'no_time' | 'future' | 'too_old' | null {
  if (us === 0) return 'no_time';
  if (us > context.receivedAtUs + LIMITS.futureHours * HOUR_US) return 'future';
  if (us < context.snapshot.retentionFloorUs) return 'too_old';
  return null;
}

/**
 * Whole milliseconds between two instants, half up, from nanoseconds. Beyond 104 days nanoseconds do not fit a double; the durations
 * are capped long before (LIMITS.durationMs), so microseconds do there.
 */
export function durationMs(startUs: number, startNs: number, endUs: number, endNs: number): number {
  const us = endUs - startUs;
  if (us > 8_000_000_000_000) return Math.floor((us + 500) / 1000);
  return Math.floor((us * 1000 + (endNs - startNs) + 500_000) / 1_000_000);
}
