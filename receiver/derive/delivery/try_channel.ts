/** One real message to a channel, now, past the outbox: what a person asks for who has just set it up. */

import { randomInt } from 'node:crypto';
import type pg from 'pg';
import { createPool } from '../../store/pool.ts';
import { loadSql } from '../../store/sql.ts';
import type { AlertMessage } from '../alerts/finding.ts';
import { composeRequest } from './compose.ts';
import type { ChannelKey } from './outbox.ts';
import { type PostOutcome, post } from './post.ts';

/**
 * Sends a test message, also to a channel that is disabled.
 * @param owner speaks as runledger_owner, who alone reads addresses
 * @returns null when there is no such channel
 */
export async function tryChannel(owner: pg.Pool, key: ChannelKey, now = new Date()): Promise<PostOutcome | null> {
  const { rows } = await owner.query(loadSql('queries/delivery/read_channel'), [key.tenantId, key.channel]);
  const [row] = rows;
  if (row === undefined) return null;
  const { kind, url, secret, allow_private: allowPrivate } = row;
  // Each test is another message: the other side must not take the second one for a repeat of the first.
  const deliveryId = `test-${now.getTime().toString(36)}-${randomInt(2 ** 32).toString(36)}`;
  const outgoing = [{ deliveryId, message: testMessage(key, now) }];
  return post(composeRequest({ kind, allowPrivate }, outgoing, { url, secret, now, standing: [] }));
}

/** For a process whose own connections may not read addresses: one is opened for each test and closed again. */
export function createChannelTester(databaseUrl: string): (key: ChannelKey) => Promise<PostOutcome | null> {
  return async (key) => {
    const owner = createPool({ databaseUrl, role: 'runledger_owner', maxConnections: 1 });
    try {
      return await tryChannel(owner, key);
    } finally {
      await owner.end();
    }
  };
}

function testMessage({ tenantId, channel }: ChannelKey, now: Date): AlertMessage {
  const at = now.toISOString();
  return {
    event: 'test',
    event_at: at,
    alert_id: 0,
    rule: 'channel_test',
    code: 'TEST',
    severity: 'warn',
    title: `Test of channel ${channel}: nothing is wrong`,
    text: 'Somebody asked Runledger to try this channel. If you read it, messages of real alerts reach you here.',
    tenant_id: tenantId,
    tenant_name: null,
    environment: '',
    pipeline: '',
    subject: '',
    numbers: {},
    run: null,
    fired_at: at,
    resolved_at: null,
    links: { runbook: '', run: null, jaeger: null, langsmith: null },
  };
}
