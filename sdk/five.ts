/**
 * The five helpers of a run log kept by hand, under the names people know them by: begin run, finalize run, log event, bump vendor, stage
 * timer. Three of them are the functions of the same name; the other two are here.
 */

import type { RunOutcome } from './attributes.ts';
import { beginStage } from './current.ts';
import type { Run, Stage } from './handles.ts';

/** How a run ended. */
export interface FinalState {
  /** Default: failed when there is an error, else succeeded. */
  status?: RunOutcome;
  /** What made it fail, or why it was cancelled. */
  error?: unknown;
  /** Metrics of the run, set before it ends. */
  metrics?: Record<string, number>;
}

/**
 * Ends a run that was begun with `beginRun()`, with its outcome and metrics.
 *
 * @example
 * finalizeRun(nightly, { status: 'succeeded', metrics: { items_delivered: 120 } });
 */
export function finalizeRun(run: Run, state: FinalState = {}): void {
  for (const [name, value] of Object.entries(state.metrics ?? {})) run.metric(name, value);
  const status = state.status ?? (state.error === undefined ? 'succeeded' : 'failed');
  if (status === 'failed') run.fail(state.error ?? 'failed');
  if (status === 'cancelled') run.cancel(state.error === undefined ? undefined : String(state.error));
  run.end();
}

/** Stops a stage timer; with an error the stage is stated as failed. */
export type StopStage = (error?: unknown) => void;

/**
 * Times a stage of `run` (default: the current run) until the returned function is called.
 *
 * @example
 * const stop = stageTimer('export_odoo');
 * try { await exportAll(); stop(); } catch (error) { stop(error); throw error; }
 */
export function stageTimer(name: string, run?: Run): StopStage & { readonly stage: Stage } {
  const stage = run === undefined ? beginStage(name) : run.beginStage(name);
  const stop: StopStage = (error) => {
    if (error !== undefined) stage.fail(error);
    stage.end();
  };
  return Object.assign(stop, { stage });
}
