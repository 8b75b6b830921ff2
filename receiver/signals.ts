/** SIGINT and SIGTERM end the process in order, within a time; a second signal, or a fault that nobody caught, ends it without patience. */

import { LIMITS } from './limits.ts';
import type { Logger } from './log.ts';

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Resolves with the exit code once `stop` is done: 0 after a signal, 1 after a fault of ours. Exits the process itself when stopping takes
 * longer than LIMITS.shutdownMs or a second signal comes.
 */
export function runUntilSignal(
  stop: () => Promise<void>,
  log: Logger,
  exit: (code: number) => void = process.exit,
): Promise<number> {
  return new Promise((resolve) => {
    let isStopping = false;
    const end = (code: number) => {
      isStopping = true;
      const timer = setTimeout(() => {
        log.fatal(`stopping took longer than ${LIMITS.shutdownMs} ms: ending without it`);
        exit(1);
      }, LIMITS.shutdownMs);
      timer.unref();
      stop().then(
        () => resolve(code),
        () => resolve(1),
      );
    };
    for (const [signal, code] of Object.entries(SIGNALS)) {
      process.on(signal, () => {
        if (isStopping) {
          log.warn({ signal }, 'second signal: ending now');
          return exit(code);
        }
        log.info({ signal }, 'signal received');
        end(0);
      });
    }
    const onFault = (error: unknown) => {
      log.fatal({ err: error }, 'a fault that nobody caught');
      if (isStopping) exit(1);
      else end(1);
    };
    process.on('uncaughtException', onFault).on('unhandledRejection', onFault);
  });
}
