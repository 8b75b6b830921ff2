/**
 * Says what can still be said when the process ends: open runs end as failed or cancelled, and what is queued leaves. The application's
 * own handlers are neither replaced nor delayed; SIGKILL and power cuts cannot be caught by anybody.
 */

import { noteInternalError } from './health.ts';
import { openRuns, type RunSpan } from './run.ts';

export interface Flushing {
  /** Sends what is queued and waits at most `timeoutMs`. */
  flush: (timeoutMs: number) => Promise<void>;
  /** Sends what is queued while nothing else runs; false when this provider cannot do so. */
  flushBlocking: (timeoutMs: number) => boolean;
  /** True when something waits to be sent. */
  pending: () => boolean;
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
type CaughtSignal = (typeof SIGNALS)[number];

const FLUSH_MS = 5_000;

/** Installs the hooks. @returns a function that removes them. */
export function installExitHooks(flushing: Flushing): () => void {
  const onCrash = (error: unknown) => {
    // A listener of the application's may keep the process alive; then the run is not over.
    if (process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback()) return;
    endOpenRuns((run) => run.fail(error));
    flushing.flushBlocking(FLUSH_MS);
  };
  const onExit = () => {
    endOpenRuns((run) => run.fail('process_exit'));
    if (flushing.pending()) flushing.flushBlocking(FLUSH_MS);
  };
  // Fires again after the flush; by then nothing is pending and the process ends.
  const onBeforeExit = () => {
    if (flushing.pending()) void flushing.flush(FLUSH_MS);
  };
  const onSignal = (signal: CaughtSignal) => {
    if (process.listenerCount(signal) > 1) {
      void flushing.flush(FLUSH_MS);
      return;
    }
    endOpenRuns((run) => sayStopped(run, signal));
    const die = () => {
      process.off(signal, onSignal);
      process.kill(process.pid, signal);
    };
    if (flushing.flushBlocking(FLUSH_MS)) die();
    else void flushing.flush(FLUSH_MS).finally(die);
  };
  process.on('uncaughtExceptionMonitor', onCrash);
  process.on('exit', onExit);
  process.on('beforeExit', onBeforeExit);
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return () => {
    process.off('uncaughtExceptionMonitor', onCrash);
    process.off('exit', onExit);
    process.off('beforeExit', onBeforeExit);
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}

/** A person at the keyboard called the run off; any other signal broke it off. */
function sayStopped(run: RunSpan, signal: CaughtSignal): void {
  if (signal === 'SIGINT') run.cancel(signal);
  else run.fail(signal);
}

function endOpenRuns(say: (run: RunSpan) => void): void {
  for (const run of [...openRuns]) {
    try {
      if (run.failure === null) say(run);
      run.end();
    } catch (error) {
      noteInternalError(error);
    }
  }
}
