/** When each job runs and what it is for: read by the scheduler, by `runledger job list` and by docs/jobs.md, which a test holds to it. */

import type { JobName } from './jobs.ts';

export interface JobSchedule {
  /** Cron, in UTC. */
  match: string;
  /** How often a run that failed is tried again before the next one by the clock. */
  maxAttempts: number;
  what: string;
}

/** Nightly jobs run apart from midnight, when other work is usually scheduled. */
export const JOB_SCHEDULE: Record<JobName, JobSchedule> = {
  derive_due: {
    match: '* * * * *',
    maxAttempts: 1,
    what: 'percentiles, QA draws and trends of runs that changed; live runs are derived in between too',
  },
  sweep_parked: { match: '* * * * *', maxAttempts: 1, what: 'parked spans whose run has become known join it' },
  abandon_silent_runs: { match: '* * * * *', maxAttempts: 1, what: 'runs without a sign of life are abandoned' },
  expire_parked: {
    match: '17 * * * *',
    maxAttempts: 3,
    what: 'parked spans that waited a day are counted and removed',
  },
  ensure_partitions: { match: '7 20 * * *', maxAttempts: 10, what: 'day partitions for the days to come' },
  audit: { match: '37 3 * * *', maxAttempts: 3, what: 'counts every counter again from the events' },
  // Before the audit, which then covers what is left.
  retention: { match: '13 2 * * *', maxAttempts: 3, what: 'seals runs, drops days and rows that are past retention' },
  roll_up_trends: {
    match: '47 * * * *',
    maxAttempts: 3,
    what: 'merges durations by day, so that percentiles over weeks are read fast',
  },
  // Every sweep of the alerts begins with it; this one is for installations whose sweeps fail.
  expected_runs: { match: '27 * * * *', maxAttempts: 1, what: 'due times of schedules for the next 48 hours' },
  alerts: { match: '*/5 * * * *', maxAttempts: 1, what: 'judges all rules, changes alerts, writes messages' },
  deliver_alerts: { match: '* * * * *', maxAttempts: 1, what: 'sends the messages that wait' },
  expire_deliveries: { match: '43 2 * * *', maxAttempts: 3, what: 'removes old messages from the record' },
};
