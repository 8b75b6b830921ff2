/** One real message that says that nothing is wrong, through the outbox and the channels as every other goes. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { loadSql } from '../../store/sql.ts';
import { sendDue } from '../delivery/send_due.ts';
import type { JobLog } from '../job_log.ts';
import { composeMessage, type MessageLinks } from './message.ts';

export interface TestedChannel {
  tenant_id: number;
  delivery_id: number;
  channel: string;
  state: 'pending' | 'sent' | 'dead';
  attempts: number;
  /** null: none. */
  last_error: string | null;
}

export interface TestOptions {
  /** null: all. */
  tenantId: number | null;
  channel: string | null;
  links: MessageLinks;
  log: JobLog;
  now?: Date;
}

/** Another receiver may be the one that sends to a channel; its record is waited for. */
const PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 250;

/** @param pool of runledger_owner @returns one a channel; none: there is no such channel that is enabled */
export async function sendTest(pool: Pool, options: TestOptions): Promise<TestedChannel[]> {
  const now = options.now ?? new Date();
  const { rows: put } = await pool.query<{ delivery_id: number }>(loadSql('queries/alerts/put_test'), [
    options.tenantId,
    options.channel,
    JSON.stringify(testMessage(now, options.links)),
    now,
  ]);
  if (put.length === 0) return [];
  const ids = put.map(({ delivery_id }) => delivery_id);
  for (const endMs = Date.now() + PATIENCE_MS; ; ) {
    await sendDue(pool, { log: options.log });
    const { rows } = await pool.query<TestedChannel>(loadSql('queries/alerts/read_deliveries'), [ids]);
    const isWaiting = ({ state, attempts }: TestedChannel) => state === 'pending' && attempts === 0;
    if (!rows.some(isWaiting) || Date.now() >= endMs) return rows;
    await sleep(LOOK_EVERY_MS);
  }
}

function testMessage(now: Date, links: MessageLinks) {
  const message = composeMessage({
    event: 'test',
    eventAt: now,
    alertId: 0,
    rule: { rule: 'test', code: 'TEST', kind: 'test', title: 'test message' },
    subject: { tenantId: 0, environment: '', pipeline: '', subject: '' },
    record: {
      severity: 'warn',
      state: 'firing',
      runId: null,
      numbers: {},
      firedAt: now,
      lastBadAt: now,
      remindedAt: null,
      snoozedUntil: null,
      resolvedAt: null,
      resolvedBecause: null,
    },
    tenantName: null,
    run: null,
    links,
  });
  // No runbook is needed where nothing is wrong.
  return { ...message, title: 'Test message: nothing is wrong', links: { ...message.links, runbook: links.publicUrl } };
}
