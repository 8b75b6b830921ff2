/** What one tenant may take of what all share. Written by people, read from the database by store/, and held by the receiver and the writer. */

import { LIMITS } from './limits.ts';

/** null: the default, which is no limit for the first three. */
export interface Quota {
  /** Spans and log records, of each receiver. */
  spansPerSecond: number | null;
  /** How many may come at once after a pause; by default ten seconds' worth. */
  burstSpans: number | null;
  /** Runs with status running. */
  openRuns: number | null;
  stagesPerRun: number | null;
  vendorsPerRun: number | null;
  /** Of rows that wait for their run. */
  parkedBytes: number | null;
}

/** By tenant; those without a row have all defaults. A new map when anything changed. */
export type Quotas = ReadonlyMap<number, Quota>;

export const NO_QUOTAS: Quotas = new Map();

/** The quotas that send a request back until later. */
export type HoldingQuota = 'spans_per_second' | 'open_runs' | 'parked_bytes';
export const HOLDING_QUOTAS: readonly HoldingQuota[] = ['spans_per_second', 'open_runs', 'parked_bytes'];

export function burstOf(spansPerSecond: number, burstSpans: number | null): number {
  return burstSpans ?? spansPerSecond * LIMITS.burstSeconds;
}
