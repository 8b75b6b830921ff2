/** What was opened, closed in reverse order: the one list that a failed start and an orderly end both work off. */

import type { Logger } from './log.ts';

export interface Closing {
  /** `close` is called once, after everything that was added later has closed. */
  add(name: string, close: () => unknown): void;
  /** Closes everything; one failure is logged and does not keep the rest open. Later calls wait for the first. */
  close(): Promise<void>;
}

export function createClosing(log: Logger): Closing {
  const steps: { name: string; close: () => unknown }[] = [];
  let closing: Promise<void> | undefined;
  const closeAll = async () => {
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      const startedMs = performance.now();
      try {
        await step.close();
        log.debug({ step: step.name, duration_ms: Math.round(performance.now() - startedMs) }, 'closed');
      } catch (error) {
        log.error({ step: step.name, err: error }, 'could not close');
      }
    }
  };
  return {
    add: (name, close) => void steps.push({ name, close }),
    close() {
      closing ??= closeAll();
      return closing;
    },
  };
}
