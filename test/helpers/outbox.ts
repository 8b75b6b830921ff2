/** An outbox with messages in it, a clock that only the test moves, and other sides that answer what they are told to. */
import type { Pool } from 'pg';
import type { AlertMessage } from '../../receiver/derive/alerts/finding.ts';
import { type ChannelSettings, setChannel } from '../../receiver/derive/delivery/channels.ts';
import type { PostOutcome, PostRequest } from '../../receiver/derive/delivery/post.ts';
import { type SendOptions, type SendResult, sendDue } from '../../receiver/derive/delivery/send_due.ts';
import { alertMessage } from './alert_messages.ts';

export const START = new Date('2026-11-22T03:00:00.000Z');
export const OK: PostOutcome = { ok: true, status: 200 };

export interface Logged {
  level: string;
  fields: object;
  message: string;
}

export interface Scene {
  pool: Pool;
  logged: Logged[];
  /** Each post with the time at which it was made and the host it went to. */
  posts: { atMs: number; host: string; request: PostRequest; body: { title?: string; messages?: AlertMessage[] } }[];
  /** Moves the clock. */
  pass(ms: number): void;
  now(): Date;
  /** What a host answers; else 200. */
  answers: Map<string, (request: PostRequest) => PostOutcome | Promise<PostOutcome>>;
  /** One round. */
  send(more?: Partial<SendOptions>): Promise<SendResult>;
}

export function openScene(pool: Pool): Scene {
  let nowMs = START.getTime();
  const scene: Scene = {
    pool,
    logged: [],
    posts: [],
    answers: new Map(),
    now: () => new Date(nowMs),
    pass: (ms) => {
      nowMs += ms;
    },
    send: (more = {}) => sendDue(pool, { ...options, ...more }),
  };
  const log = (level: string) => (fields: object, message: string) =>
    void scene.logged.push({ level, fields, message });
  const options: SendOptions = {
    log: { info: log('info'), warn: log('warn'), error: log('error') },
    now: scene.now,
    random: () => 0,
    wait: async (ms) => scene.pass(ms),
    post: async (request) => {
      const { host } = new URL(request.url);
      scene.posts.push({ atMs: nowMs, host, request, body: JSON.parse(request.body) });
      return (await scene.answers.get(host)?.(request)) ?? OK;
    },
  };
  return scene;
}

export async function clearOutbox(pool: Pool): Promise<void> {
  for (const table of ['alert_deliveries', 'alert_channels', 'alerts'])
    await pool.query(`delete from runledger.${table}`);
}

/** A webhook of all tenants at https://NAME.example. */
export async function addChannel(pool: Pool, channel: string, more: Partial<ChannelSettings> = {}): Promise<void> {
  await setChannel(pool, {
    tenantId: 0,
    channel,
    kind: 'webhook',
    url: `https://${channel}.example/SECRET-PATH`,
    ...more,
  });
}

export interface Put extends Partial<AlertMessage> {
  channelTenantId?: number;
}

/** As the alert engine puts it. @returns the delivery's id as the other side sees it */
export async function put(pool: Pool, channel: string, more: Put = {}): Promise<string> {
  const { channelTenantId = 0, ...message } = more;
  const full = alertMessage({ event_at: START.toISOString(), ...message });
  const { rows } = await pool.query(
    `insert into runledger.alert_deliveries (tenant_id, alert_id, channel_tenant_id, channel, event, event_at, message, next_attempt_at, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $6, $6) returning delivery_id`,
    [full.tenant_id, full.alert_id, channelTenantId, channel, full.event, full.event_at, JSON.stringify(full)],
  );
  return `${full.tenant_id}-${rows[0]?.delivery_id}`;
}

/** Everything about what was put, oldest first. */
export async function deliveries(pool: Pool) {
  const { rows } = await pool.query(
    `select channel, event, alert_id, state, attempts, next_attempt_at, last_error, in_digest, finished_at
     from runledger.alert_deliveries order by event_at, delivery_id`,
  );
  return rows;
}
