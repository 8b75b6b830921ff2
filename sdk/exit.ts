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
  /** How many spans wait to be sent, and how many were queued since the start. */
  counts: () => { pending: number; queued: number };
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
type CaughtSignal = (typeof SIGNALS)[number];

const FLUSH_MS = 5_000;

/** Installs the hooks. @returns a function that removes them. */
export function installExitHooks(flushing: Flushing): () => void {
  let lastError: unknown = 'process_exit';
  let flushedAt = -1;
  const onCrash = (error: unknown) => {
    lastError = error;
    // A listener of the application's may keep the process alive; then the run is not over.
    if (process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback()) return;
    endOpenRuns((run) => run.fail(error));
    flushing.flushBlocking(FLUSH_MS);
  };
  const onExit = (code: number) => {
    endOpenRuns((run) => run.fail(code === 0 ? 'process_exit' : lastError));
    if (flushing.counts().pending > 0) flushing.flushBlocking(FLUSH_MS);
  };
  // Fires again after the flush. One try for what is there: with the receiver away the process would never end otherwise.
  const onBeforeExit = () => {
    const { pending, queued } = flushing.counts();
    if (pending === 0 || queued === flushedAt) return;
    flushedAt = queued;
    void flushing.flush(FLUSH_MS);
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
