/** The two jobs of delivery: sending what waits, each minute and after each look at the alerts, and forgetting old records. */

import type { Pool } from 'pg';
import type { JobLog } from '../job_log.ts';
import { expireDeliveries } from './outbox.ts';
import { type SendResult, sendDue } from './send_due.ts';

/** How long the record of a settled message is kept. */
const KEPT_MS = 90 * 86_400_000;

export interface DeliveryJobDeps {
  pool: Pool;
  log: JobLog;
  signal?: AbortSignal | undefined;
}

export function deliverAlertsJob({ pool, log, signal }: DeliveryJobDeps): Promise<SendResult> {
  return sendDue(pool, { log, signal });
}

export async function expireDeliveriesJob({ pool }: { pool: Pool }): Promise<{ expired: number }> {
  return { expired: await expireDeliveries(pool, new Date(Date.now() - KEPT_MS)) };
}
