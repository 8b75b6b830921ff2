/**
 * The jobs by name: what the scheduler runs and what `runledger job run NAME` runs once. Each may run twice, on several receivers at once,
 * or stop half-way, with the same end result.
 */

import type { Pool } from 'pg';
import { abandonSilentRuns } from './abandon.ts';
import { audit } from './audit.ts';
import { deriveDue } from './derive_due.ts';

/** Structured log, fields first; a pino logger fits. */
export interface JobLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface JobDeps {
  /** Speaks as runledger_owner. */
  pool: Pool;
  log: JobLog;
  writer: {
    /** Moves parked rows whose run has become known; returns how many. */
    sweepParked(): Promise<number>;
    /** Removes parked rows that waited too long; returns how many. */
    expireParked(): Promise<number>;
  };
  /** Makes the event partitions of the days to come. */
  ensurePartitions(): Promise<unknown>;
}

/** Runs once and resolves to what it did, as plain JSON. */
export type Job = (deps: JobDeps) => Promise<object>;

export const JOBS = {
  derive_due: deriveDueJob,
  abandon_silent_runs: async ({ pool }) => ({ abandoned: await abandonSilentRuns(pool) }),
  sweep_parked: async ({ writer }) => ({ moved: await writer.sweepParked() }),
  expire_parked: async ({ writer }) => ({ expired: await writer.expireParked() }),
  ensure_partitions: async (deps) => {
    await deps.ensurePartitions();
    return {};
  },
  audit: auditJob,
} as const satisfies Record<string, Job>;

export type JobName = keyof typeof JOBS;

export function isJobName(name: string): name is JobName {
  return Object.hasOwn(JOBS, name);
}

/** Derives what is due and logs each run that could not be. */
export async function deriveDueJob({ pool, log }: Pick<JobDeps, 'pool' | 'log'>): Promise<object> {
  const { outcomes, failures } = await deriveDue(pool);
  for (const { run, error } of failures) {
    log.warn(
      { tenant_id: run.tenantId, run_id: run.runId, err: error },
      'a run could not be derived, it will be tried again',
    );
  }
  return { ...outcomes, failed: failures.length };
}

async function auditJob({ pool, log }: JobDeps): Promise<object> {
  const result = await audit(pool);
  if (result.difference === 0) log.info({ runs_checked: result.runs_checked }, 'audit: counters equal the events');
  else log.error(result, 'audit: counters differ from the events, `runledger rebuild` counts them again');
  return result;
}
