/** The two jobs of alerts: expecting runs, and the sweep over all rules. What a sweep puts into the outbox is sent at once. */

import type { Pool } from 'pg';
import { sendDue } from '../delivery/send_due.ts';
import type { JobLog } from '../job_log.ts';
import { type ExpectedRunsResult, planExpectedRuns } from './expected_runs.ts';
import type { MessageLinks } from './message.ts';
import { sweepAlerts } from './sweep.ts';

export interface AlertJobDeps {
  pool: Pool;
  log: JobLog;
  links: MessageLinks;
  signal?: AbortSignal | undefined;
}

export function expectedRunsJob({ pool, log }: Pick<AlertJobDeps, 'pool' | 'log'>): Promise<ExpectedRunsResult> {
  return planExpectedRuns(pool, { log });
}

/** A run that has just begun is not missed any more, so runs are matched with due times first. */
export async function alertsJob({ pool, log, links, signal }: AlertJobDeps): Promise<object> {
  await planExpectedRuns(pool, { log });
  const swept = await sweepAlerts(pool, { links, log });
  if (swept.messages > 0) await sendDue(pool, { log, signal });
  return swept;
}
