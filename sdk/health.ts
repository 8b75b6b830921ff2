/**
 * What the SDK knows about its own troubles: spans that were lost, errors of OpenTelemetry that were swallowed, and warnings, each said
 * once. Every other SDK file reports here, so that telemetry can fail without the pipeline noticing and without being silent.
 */

import { writeSync } from 'node:fs';

const STANDARD_ERROR = 2;

/** Counts of spans since the process started, as `stats()` returns them. */
export interface SdkStats {
  /** Spans handed to our export queue. */
  queued: number;
  /** Spans that a receiver acknowledged. */
  exported: number;
  /** Spans that wait in the queue or on the wire. */
  pending: number;
  /** Spans lost, in all: the sum of the three below. */
  dropped: number;
  /** Lost because the queue was full. */
  droppedQueueFull: number;
  /** Lost because the receiver refused them for good, or could not be reached before the process ended. */
  droppedNotAccepted: number;
  /** Our own spans that a foreign provider did not sample. */
  droppedUnsampled: number;
  /** Errors inside OpenTelemetry or this SDK that were swallowed so that the pipeline went on. */
  internalErrors: number;
  /** Text of the last swallowed error, or null. */
  lastInternalError: string | null;
}

export const health = {
  queued: 0,
  exported: 0,
  droppedQueueFull: 0,
  droppedNotAccepted: 0,
  droppedUnsampled: 0,
  internalErrors: 0,
  lastInternalError: null as string | null,
};

const warned = new Set<string>();

/** Says `message` once per process and `code`, as a Node.js warning on stderr. Never throws. */
export function warnOnce(code: string, message: string): void {
  if (warned.has(code)) return;
  warned.add(code);
  process.emitWarning(message, { type: 'RunledgerWarning', code: `RUNLEDGER_${code}` });
}

/** Says `message` at once, for a process that will run no further turn of its event loop. Never throws. */
export function warnAtExit(message: string): void {
  try {
    writeSync(STANDARD_ERROR, `(runledger) Warning: ${message}\n`);
  } catch (error) {
    health.lastInternalError = describe(error);
  }
}

/** Counts an error that must not reach the pipeline. */
export function noteInternalError(error: unknown): void {
  health.internalErrors++;
  health.lastInternalError = describe(error);
  warnOnce(
    'INTERNAL',
    `telemetry failed and was ignored: ${health.lastInternalError}. The pipeline goes on; stats() counts further cases.`,
  );
}

/** Runs `work` and swallows what it throws: for every call into OpenTelemetry. */
export function quietly(work: () => void): void {
  try {
    work();
  } catch (error) {
    noteInternalError(error);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 256) : String(error).slice(0, 256);
}

/** @returns the counts with their sums. */
export function readStats(): SdkStats {
  const dropped = health.droppedQueueFull + health.droppedNotAccepted + health.droppedUnsampled;
  const settled = health.exported + health.droppedNotAccepted;
  return { ...health, dropped, pending: Math.max(0, health.queued - settled) };
}

/** Starts counting and warning anew, for a set-up after a shutdown. */
export function resetHealth(): void {
  Object.assign(health, {
    queued: 0,
    exported: 0,
    droppedQueueFull: 0,
    droppedNotAccepted: 0,
    droppedUnsampled: 0,
    internalErrors: 0,
    lastInternalError: null,
  });
  warned.clear();
}
