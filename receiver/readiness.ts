/** Whether requests should be sent here: what /readyz answers, and the switch that a shutdown throws. */

import type pg from 'pg';
import { errorCode } from './store/errors.ts';
import { findBrokenWall } from './store/walls.ts';

export interface ReadinessDeps {
  /** Speaks as runledger_reader. */
  readers: pg.Pool;
  queueRows(): number;
  queueRowsMax: number;
  checkWithinMs?: number;
}

export interface Readiness {
  /** `checks`: what was looked at -> `ok`, or what is wrong with it. Holds no secrets. Never rejects. */
  check(): Promise<{ ready: boolean; checks: Record<string, string> }>;
  /** From now on not ready, for good. */
  drain(): void;
  isDraining(): boolean;
}

/** The database is asked once in this time, however often /readyz is. */
const FRESH_MS = 500;
/** Missing relation, schema, function, column or role. */
const NOT_MIGRATED = new Set(['42P01', '3F000', '42883', '42703', '42704']);

type DatabaseChecks = Record<'database' | 'migrated' | 'walls', string>;

export function createReadiness(deps: ReadinessDeps): Readiness {
  let isDraining = false;
  let asked: { atMs: number; answer: Promise<DatabaseChecks> } | undefined;
  const askDatabase = () => {
    if (asked === undefined || performance.now() - asked.atMs > FRESH_MS) {
      asked = { atMs: performance.now(), answer: checkDatabase(deps.readers, deps.checkWithinMs ?? 3_000) };
    }
    return asked.answer;
  };
  return {
    async check() {
      const queued = deps.queueRows();
      const checks: Record<string, string> = {
        accepting: isDraining ? 'shutting down' : 'ok',
        ...(await askDatabase()),
        queue: queued < deps.queueRowsMax ? 'ok' : `full: ${queued} rows wait to be written`,
      };
      return { ready: Object.values(checks).every((state) => state === 'ok'), checks };
    },
    drain() {
      isDraining = true;
    },
    isDraining: () => isDraining,
  };
}

async function checkDatabase(readers: pg.Pool, withinMs: number): Promise<DatabaseChecks> {
  const unknown = 'not known while the database is away';
  try {
    const problem = await within(findBrokenWall(readers), withinMs);
    return { database: 'ok', migrated: 'ok', walls: problem ?? 'ok' };
  } catch (error) {
    const code = errorCode(error) ?? 'unknown error';
    if (NOT_MIGRATED.has(code)) {
      return { database: 'ok', migrated: `the tables of this version are missing (${code})`, walls: 'not known' };
    }
    return { database: `not reachable (${code})`, migrated: unknown, walls: unknown };
  }
}

/** The work goes on after the time is up, but nobody waits for it any more. */
function within<T>(work: Promise<T>, withinMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const expire = () => reject(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }));
    const timer = setTimeout(expire, withinMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
