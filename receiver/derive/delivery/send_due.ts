/**
 * Sends what waits in the outbox. Channels are served side by side, each by one sender at a time over all receivers; within a channel messages
 * go one after the other, oldest first, as fast as its limits allow, and as one digest when many wait.
 *
 * At least once: a message is noted as begun before it is sent and as sent afterwards. A process that dies in between sends it once more a
 * minute later, under the same delivery id.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { JobLog } from '../job_log.ts';
import { composeRequest } from './compose.ts';
import {
  beginTry,
  type ChannelKey,
  type Due,
  endLease,
  endOrphans,
  endTry,
  keepLease,
  type Lease,
  leaseChannel,
  listDue,
  listStanding,
  markPost,
  standingChannels,
  waitingChannels,
} from './outbox.ts';
import { type PostOutcome, type PostRequest, post } from './post.ts';
import { decide, pacingMs, pauseMs } from './retry.ts';

/** More than this go as one. */
const SINGLES_MAX = 5;
/** What one digest lists; the rest goes with the next. Keeps within what Slack takes in one message. */
const DIGEST_MAX = 30;
const CHANNELS_AT_ONCE = 16;
/** A round ends before the next one is due, and leaves to it what it did not get to. */
const ROUND_MS = 40_000;
/** Longest wait for the limits of a channel within a round. */
const PATIENCE_MS = 5_000;
/** After this long without a post an Alertmanager is told of the open alerts again. */
const STANDING_EVERY_MS = 4 * 60_000;
const STANDING_MAX = 1_000;

/** Tried by itself next time, as one that was refused. */
const UNWRITABLE: PostOutcome = {
  ok: false,
  status: null,
  failure: 'the message could not be written',
  refused: true,
  retryAfterMs: null,
};
/** Failures that one message of a digest may have brought upon all. */
const SUSPECT = /^(status (400|413|415|422)|the message could not be written)\b/;

export interface SendOptions {
  log: JobLog;
  /** Default: the clock. */
  now?: () => Date;
  /** Aborted: what is being sent is finished and recorded, and nothing more is begun. */
  signal?: AbortSignal | undefined;
  /** For tests; default: the network, the clock, Math.random. */
  post?: (request: PostRequest) => Promise<PostOutcome>;
  wait?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  random?: () => number;
}

/** Messages, not posts: a digest counts all that it holds. failed: they will be tried again. */
export interface SendResult {
  sent: number;
  failed: number;
  dead: number;
}

interface Round {
  pool: Pool;
  log: JobLog;
  now: () => Date;
  signal: AbortSignal | undefined;
  post: (request: PostRequest) => Promise<PostOutcome>;
  wait: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  random: () => number;
  endsAtMs: number;
  result: SendResult;
}

/**
 * One round over all channels. May run beside others of its kind, in this process and elsewhere.
 * @param pool of runledger_owner, who alone reads addresses
 * @throws the database's error; what other channels are doing is finished first
 */
export async function sendDue(pool: Pool, options: SendOptions): Promise<SendResult> {
  const round = startRound(pool, options);
  round.result.dead += await endOrphans(pool, round.now());
  const channels = await channelsToServe(round);
  const failures: unknown[] = [];
  const serveNext = async () => {
    for (let key = channels.shift(); key !== undefined; key = channels.shift()) {
      try {
        await serveChannel(round, key);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: CHANNELS_AT_ONCE }, serveNext));
  if (failures.length > 0) throw failures[0];
  return round.result;
}

function startRound(pool: Pool, options: SendOptions): Round {
  const { log, signal, now = () => new Date() } = options;
  return {
    pool,
    log,
    now,
    signal,
    post: options.post ?? post,
    wait: options.wait ?? waitFor,
    random: options.random ?? Math.random,
    endsAtMs: now().getTime() + ROUND_MS,
    result: { sent: 0, failed: 0, dead: 0 },
  };
}

async function channelsToServe({ pool, now }: Round): Promise<ChannelKey[]> {
  const waiting = await waitingChannels(pool, now());
  const isWaiting = new Set(waiting.map(({ tenantId, channel }) => `${tenantId} ${channel}`));
  const standing = await standingChannels(pool);
  return [...waiting, ...standing.filter(({ tenantId, channel }) => !isWaiting.has(`${tenantId} ${channel}`))];
}

async function serveChannel(round: Round, key: ChannelKey): Promise<void> {
  const lease = await leaseChannel(round.pool, key, round.now());
  if (lease === null) return;
  let pauseUntil: Date | null = null;
  try {
    while (mayGoOn(round) && (await waitForTurn(round, lease))) {
      const outcome = await postNext(round, lease);
      if (outcome === null) break;
      const restMs = pauseMs(outcome);
      if (restMs > 0) pauseUntil = new Date(round.now().getTime() + restMs);
      // The next message would most likely meet the same; it keeps its tries for later.
      if (!outcome.ok) break;
    }
  } finally {
    await endLease(round.pool, lease, pauseUntil);
  }
}

function mayGoOn({ signal, now, endsAtMs }: Round): boolean {
  return signal?.aborted !== true && now().getTime() < endsAtMs;
}

/** @returns false when the channel's limits leave its messages to a later round */
async function waitForTurn(round: Round, lease: Lease): Promise<boolean> {
  const waitMs = pacingMs(lease.posted, round.now());
  if (waitMs > PATIENCE_MS) return false;
  if (waitMs > 0) await round.wait(waitMs, round.signal);
  return mayGoOn(round);
}

/** One post with all that belongs to it. null: there is nothing to send, or the channel is somebody else's by now. */
async function postNext(round: Round, lease: Lease): Promise<PostOutcome | null> {
  const { pool, now } = round;
  const picked = pickNext(await listDue(pool, lease, now(), DIGEST_MAX + 1));
  if (picked.length === 0) return postStanding(round, lease);
  if (!(await keepLease(pool, lease, now()))) return null;
  const begun = await beginTry(pool, picked, now());
  if (begun.length === 0) return null;
  const request = await requestOf(round, lease, begun);
  const outcome = request === null ? UNWRITABLE : await postOne(round, lease, request);
  await record(round, lease, begun, outcome);
  return outcome;
}

function postOne(round: Round, lease: Lease, request: PostRequest): Promise<PostOutcome> {
  markPost(lease, round.now());
  return round.post(request);
}

/**
 * The oldest, or as many as make a digest. A message that was refused goes by itself: in a digest it would take the others with it again and
 * again; nothing overtakes it, because its alert may have resolved since.
 */
export function pickNext<T extends Pick<Due, 'attempts' | 'lastError'>>(due: readonly T[]): T[] {
  const isSuspect = ({ attempts, lastError }: T) => attempts > 0 && SUSPECT.test(lastError ?? '');
  if (due.length <= SINGLES_MAX) return due.slice(0, 1);
  const firstSuspect = due.findIndex(isSuspect);
  return due.slice(0, firstSuspect === -1 ? DIGEST_MAX : Math.min(Math.max(1, firstSuspect), DIGEST_MAX));
}

/** null: a message in it is none. Nobody but us writes them, so it would be ours to mend; meanwhile the others must get through. */
async function requestOf(round: Round, lease: Lease, begun: readonly Due[]): Promise<PostRequest | null> {
  const { url, secret, kind } = lease;
  const standing = kind === 'alertmanager' ? await listStanding(round.pool, lease, STANDING_MAX) : [];
  try {
    return composeRequest(lease, begun, { url, secret, now: round.now(), standing });
  } catch (error) {
    round.log.error({ err: error, channel: lease.channel }, 'an alert message could not be written');
    return null;
  }
}

async function record(round: Round, lease: Lease, begun: readonly Due[], outcome: PostOutcome): Promise<void> {
  const results = begun.map((one) => ({ one, verdict: decide(outcome, one.attempts, round.random()) }));
  await endTry(round.pool, results, round.now());
  const count = (state: string) => results.filter(({ verdict }) => verdict.state === state).length;
  round.result.sent += count('sent');
  round.result.failed += count('pending');
  round.result.dead += count('dead');
  if (outcome.ok) return;
  const fields = {
    channel: lease.channel,
    channel_tenant_id: lease.tenantId,
    kind: lease.kind,
    failure: outcome.failure,
    messages: begun.length,
    given_up: count('dead'),
  };
  if (count('dead') > 0) round.log.error(fields, 'alert messages could not be delivered and were given up');
  else round.log.warn(fields, 'alert messages could not be delivered, they will be tried again');
}

/** null also when there is nothing to repeat: the round is over for this channel either way. */
async function postStanding(round: Round, lease: Lease): Promise<null> {
  const { pool, now } = round;
  const lastMs = Math.max(0, ...lease.posted.map((time) => time.getTime()));
  if (lease.kind !== 'alertmanager' || now().getTime() - lastMs < STANDING_EVERY_MS) return null;
  const standing = await listStanding(pool, lease, STANDING_MAX);
  if (standing.length === 0 || !(await keepLease(pool, lease, now()))) return null;
  const { url, secret } = lease;
  const outcome = await postOne(round, lease, composeRequest(lease, [], { url, secret, now: now(), standing }));
  if (!outcome.ok)
    round.log.warn(
      { channel: lease.channel, channel_tenant_id: lease.tenantId, failure: outcome.failure },
      'an Alertmanager could not be told which alerts are still open',
    );
  return null;
}

async function waitFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}
