/**
 * The jobs by name: what the scheduler runs and what `runledger job run NAME` runs once. Each may run twice, on several receivers at once,
 * or stop half-way, with the same end result.
 */

import type { Pool } from 'pg';
import { abandonSilentRuns } from './abandon.ts';
import { alertsJob, expectedRunsJob } from './alerts/job.ts';
import type { MessageLinks } from './alerts/message.ts';
import { audit } from './audit.ts';
import { recordAudit } from './audit_record.ts';
import { deliverAlertsJob, expireDeliveriesJob } from './delivery/job.ts';
import { deriveDue } from './derive_due.ts';
import type { JobLog } from './job_log.ts';
import { type RetentionResult, retain } from './retention.ts';
import { rollUpTrends } from './roll_up_trends.ts';

export type { JobLog } from './job_log.ts';

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
  /** Days that events are kept. */
  eventRetentionDays: number;
  /** Days that QA samples are kept. */
  qaRetentionDays: number;
  /** Where the links of alerts lead. */
  links: MessageLinks;
  /** Aborted when the process is about to end: long jobs finish what they are at and begin nothing more. */
  signal?: AbortSignal | undefined;
  /** Only say what would be done; jobs other than retention do not look at it. */
  dryRun?: boolean;
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
  retention: retentionJob,
  roll_up_trends: ({ pool }) => rollUpTrends(pool),
  expected_runs: expectedRunsJob,
  alerts: alertsJob,
  deliver_alerts: deliverAlertsJob,
  expire_deliveries: expireDeliveriesJob,
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
  if (result.sealed_difference > 0)
    log.error(
      { sealed_difference: result.sealed_difference },
      'audit: counters of sealed runs changed after their events were dropped',
    );
  await recordAudit(pool, 'audit', result);
  return result;
}

async function retentionJob({ pool, log, eventRetentionDays, qaRetentionDays, dryRun }: JobDeps): Promise<object> {
  const result = await retain(pool, { eventRetentionDays, qaRetentionDays, dryRun: dryRun === true });
  logRetention(result, log);
  if (!result.dry_run) await recordAudit(pool, 'retention', { ...result, runs_checked: result.runs_sealed });
  return result;
}

function logRetention(result: RetentionResult, log: JobLog): void {
  const { stopped, days_dropped, events, runs_sealed, bytes, sealed_difference } = result;
  if (sealed_difference > 0)
    log.error({ sealed_difference }, 'retention: counters of sealed runs were changed after their events were dropped');
  if (stopped?.reason === 'difference') {
    log.error(
      { day: stopped.day, difference: result.difference, differences: stopped.differences },
      'retention stopped: counters differ from events about to be dropped, `runledger rebuild` counts them again',
    );
  } else if (stopped !== null)
    log.warn({ day: stopped.day }, 'retention stopped: the day is in use, the next run tries again');
  if (days_dropped > 0 && !result.dry_run)
    log.info(
      { days_dropped, events, runs_sealed, bytes, kept_from: result.kept_from },
      'retention: days of events dropped',
    );
}
