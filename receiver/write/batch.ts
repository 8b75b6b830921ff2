/** What writers pass along: the mapped part of one request, and what became of it. */

import type { EventRow, Heartbeat, MappedChunk, Refusal, RefusalReason, TraceBinding } from '../map/row.ts';

/** A trace or run whose parked rows are to be taken up, for the sweep. */
export interface Unpark {
  traces: { tenantId: number; traceId: string }[];
  runs: { tenantId: number; runId: number }[];
}

export interface Batch {
  rows: EventRow[];
  bindings: TraceBinding[];
  heartbeats: Heartbeat[];
  refusals: { tenantId: number; reason: RefusalReason }[];
  rootsWithoutRun: MappedChunk['rootsWithoutRun'];
  unpark: Unpark | null;
  /** Binds its traces without taking up what waits for them, because the database refuses that. Such a batch is written alone. */
  leavesParked: boolean;
  /** Filled by write: rows that the database will never take. */
  refused: Refusal[];
}

/** What became of the rows of a group. */
export interface WriteResult {
  inserted: number;
  /** Rows that were there already, resent. */
  duplicates: number;
  /** Resent with other content; the first stored stays. */
  conflicts: number;
  parked: number;
}

export function toBatch(chunk: MappedChunk): Batch {
  const { rows, bindings, heartbeats, refusals, rootsWithoutRun } = chunk;
  return { ...noWork(), rows, bindings, heartbeats, refusals, rootsWithoutRun };
}

export function noWork(): Batch {
  return {
    rows: [],
    bindings: [],
    heartbeats: [],
    refusals: [],
    rootsWithoutRun: [],
    unpark: null,
    leavesParked: false,
    refused: [],
  };
}

export function isEmpty(batch: Batch): boolean {
  return (
    batch.rows.length +
      batch.bindings.length +
      batch.heartbeats.length +
      batch.refusals.length +
      batch.rootsWithoutRun.length ===
      0 && batch.unpark === null
  );
}
