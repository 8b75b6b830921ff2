/** The outbox as its senders see it: one of them has a channel at a time, and a message is noted as begun before it leaves the house. */

import type { Pool } from 'pg';
import { loadSql } from '../../store/sql.ts';
import type { AlertMessage } from '../alerts/finding.ts';
import type { ChannelKind, Outgoing } from './request.ts';
import { POSTS_PER_WINDOW, type Verdict } from './retry.ts';

export interface ChannelKey {
  /** 0: the channel of all tenants. */
  tenantId: number;
  channel: string;
}

/** A channel that is ours until `until`. Holds what must never be shown. */
export interface Lease extends ChannelKey {
  kind: ChannelKind;
  url: string;
  secret: string | null;
  allowPrivate: boolean;
  posted: Date[];
  until: Date;
}

export interface Due extends Outgoing {
  tenantId: number;
  id: number;
  attempts: number;
  /** Of the last try; null before the first. */
  lastError: string | null;
}

/** Longer than a post and its record can take; after a kill, what was being sent waits as long. */
const LEASE_MS = 60_000;

/** Those that wait for a channel that is gone or disabled become dead; returns how many. */
export async function endOrphans(pool: Pool, now: Date): Promise<number> {
  const known = new Map<string, boolean>();
  const { rows: channels } = await pool.query(loadSql('queries/delivery/list_states'));
  for (const { tenant_id, channel, enabled } of channels) known.set(`${tenant_id} ${channel}`, enabled);
  let ended = 0;
  for (const { tenantId, channel } of await waitingChannels(pool, now)) {
    const enabled = known.get(`${tenantId} ${channel}`);
    if (enabled === true) continue;
    const reason = enabled === false ? 'the channel is disabled' : 'the channel was removed';
    const { rowCount } = await pool.query(loadSql('queries/delivery/end_waiting'), [tenantId, channel, now, reason]);
    ended += rowCount ?? 0;
  }
  return ended;
}

/** Channels with messages that are due, the longest waiting first. */
export async function waitingChannels(pool: Pool, now: Date): Promise<ChannelKey[]> {
  const { rows } = await pool.query(loadSql('queries/delivery/waiting_channels'), [now]);
  return rows.map((row) => ({ tenantId: row.tenant_id, channel: row.channel }));
}

/** Channels of kind alertmanager, which want to hear of open alerts again and again. */
export async function standingChannels(pool: Pool): Promise<ChannelKey[]> {
  const { rows } = await pool.query(loadSql('queries/delivery/list_states'));
  return rows
    .filter((row) => row.kind === 'alertmanager' && row.enabled)
    .map((row) => ({ tenantId: row.tenant_id, channel: row.channel }));
}

/** null: another sender has it, it asked for a pause, or it is gone. */
export async function leaseChannel(pool: Pool, { tenantId, channel }: ChannelKey, now: Date): Promise<Lease | null> {
  const until = new Date(now.getTime() + LEASE_MS);
  const { rows } = await pool.query(loadSql('queries/delivery/lease_channel'), [tenantId, channel, now, until]);
  const [row] = rows;
  if (row === undefined) return null;
  const { kind, url, secret, allow_private: allowPrivate, posted_at: posted } = row;
  return { tenantId, channel, kind, url, secret, allowPrivate, posted, until };
}

/** Before each post. @returns false when the lease was lost, so that nothing may be sent */
export async function keepLease(pool: Pool, lease: Lease, now: Date): Promise<boolean> {
  const until = new Date(now.getTime() + LEASE_MS);
  const posted = [now, ...lease.posted].slice(0, POSTS_PER_WINDOW);
  const { tenantId, channel } = lease;
  const { rowCount } = await pool.query(loadSql('queries/delivery/keep_lease'), [
    tenantId,
    channel,
    lease.until,
    until,
    posted,
  ]);
  if (rowCount !== 1) return false;
  Object.assign(lease, { until, posted });
  return true;
}

/** The post begins now: what lay between noting it and this moment counts for nothing in the channel's pace. */
export function markPost(lease: Lease, now: Date): void {
  lease.posted[0] = now;
}

/** @param pauseUntil when the channel may be looked at again; null: any time */
export async function endLease(pool: Pool, lease: Lease, pauseUntil: Date | null): Promise<void> {
  const { tenantId, channel, until, posted } = lease;
  await pool.query(loadSql('queries/delivery/end_lease'), [tenantId, channel, until, pauseUntil, posted]);
}

export async function listDue(pool: Pool, { tenantId, channel }: ChannelKey, now: Date, max: number): Promise<Due[]> {
  const { rows } = await pool.query(loadSql('queries/delivery/list_due'), [tenantId, channel, now, max]);
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    id: row.delivery_id,
    deliveryId: `${row.tenant_id}-${row.delivery_id}`,
    message: row.message,
    attempts: row.attempts,
    lastError: row.last_error,
  }));
}

/** Counts the try and keeps others off for a while. @returns those that may be sent, with this try counted */
export async function beginTry(pool: Pool, due: readonly Due[], now: Date): Promise<Due[]> {
  const { rows } = await pool.query(loadSql('queries/delivery/begin_try'), [
    due.map((one) => one.tenantId),
    due.map((one) => one.id),
    now,
    new Date(now.getTime() + LEASE_MS),
    due.length > 1,
  ]);
  const attempts = new Map(rows.map((row) => [`${row.tenant_id}-${row.delivery_id}`, row.attempts as number]));
  return due.flatMap((one) => {
    const tried = attempts.get(one.deliveryId);
    return tried === undefined ? [] : [{ ...one, attempts: tried }];
  });
}

export async function endTry(pool: Pool, results: readonly { one: Due; verdict: Verdict }[], now: Date): Promise<void> {
  const afterMs = (verdict: Verdict) => (verdict.state === 'pending' ? verdict.waitMs : 0);
  await pool.query(loadSql('queries/delivery/end_try'), [
    results.map(({ one }) => one.tenantId),
    results.map(({ one }) => one.id),
    results.map(({ verdict }) => verdict.state),
    results.map(({ verdict }) => (verdict.state === 'sent' ? null : verdict.reason)),
    results.map(({ verdict }) => new Date(now.getTime() + afterMs(verdict))),
    now,
  ]);
}

/** What an Alertmanager was told of alerts that are still open. */
export async function listStanding(
  pool: Pool,
  { tenantId, channel }: ChannelKey,
  max: number,
): Promise<AlertMessage[]> {
  const { rows } = await pool.query<{ message: AlertMessage }>(loadSql('queries/delivery/list_standing'), [
    tenantId,
    channel,
    max,
  ]);
  return rows.map((row) => row.message);
}

/** Removes old records of settled messages; returns how many. */
export async function expireDeliveries(pool: Pool, settledBefore: Date): Promise<number> {
  return (await pool.query(loadSql('queries/delivery/expire_deliveries'), [settledBefore])).rowCount ?? 0;
}

/** Gives messages that were given up since `since` another twelve tries; returns how many. Those that time has passed by stay. */
export async function resendDead(
  pool: Pool,
  { tenantId, channel }: ChannelKey,
  since: Date,
  now = new Date(),
): Promise<number> {
  return (await pool.query(loadSql('queries/delivery/resend_dead'), [tenantId, channel, now, since])).rowCount ?? 0;
}
