/** When a message is tried again, when it is given up, and how fast a channel is posted to. No clock and no I/O. */

import type { PostOutcome } from './post.ts';

const FIRST_WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 3_600_000;
/** Waits are up to this share shorter, so that messages that failed together do not come back together. */
const JITTER = 0.2;
const TRIES_MAX = 12;
/** When the channel itself is at fault: wrong address, wrong token, a message that it will not take. */
const REFUSED_TRIES_MAX = 3;

const SPACING_MS = 1_000;
const WINDOW_MS = 60_000;
export const POSTS_PER_WINDOW = 20;

export type Verdict =
  | { state: 'sent' }
  | { state: 'dead'; reason: string }
  | { state: 'pending'; reason: string; waitMs: number };

/**
 * What becomes of a message after a try.
 * @param attempts tries that were begun, this one included
 * @param random in [0, 1)
 */
export function decide(outcome: PostOutcome, attempts: number, random: number): Verdict {
  if (outcome.ok) return { state: 'sent' };
  const triesMax = outcome.refused ? REFUSED_TRIES_MAX : TRIES_MAX;
  if (attempts >= triesMax) return { state: 'dead', reason: `${outcome.failure}; given up after ${attempts} tries` };
  const waitMs = Math.max(backoffMs(attempts, random), pauseMs(outcome));
  return { state: 'pending', reason: outcome.failure, waitMs };
}

/** How long the channel asked to be left alone, at most an hour; 0 when it did not. */
export function pauseMs(outcome: PostOutcome): number {
  return outcome.ok ? 0 : Math.min(outcome.retryAfterMs ?? 0, LONGEST_WAIT_MS);
}

/** 30 s, doubling up to an hour. */
export function backoffMs(attempts: number, random: number): number {
  const fullMs = Math.min(FIRST_WAIT_MS * 2 ** Math.min(attempts - 1, 20), LONGEST_WAIT_MS);
  return Math.round(fullMs * (1 - JITTER * random));
}

/**
 * How long to wait before the next post: one a second, 20 in any 60 seconds.
 * @param posted when the newest posts were made, any order
 */
export function pacingMs(posted: readonly Date[], now: Date): number {
  const nowMs = now.getTime();
  const times = posted.map((time) => time.getTime()).sort((a, b) => b - a);
  const [newest] = times;
  const oldestCounted = times[POSTS_PER_WINDOW - 1];
  return Math.max(
    0,
    newest === undefined ? 0 : newest + SPACING_MS - nowMs,
    oldestCounted === undefined ? 0 : oldestCounted + WINDOW_MS - nowMs,
  );
}
