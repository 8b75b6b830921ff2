/** When a message is tried again and when a channel may be posted to. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PostOutcome, readRetryAfter } from '../../receiver/derive/delivery/post.ts';
import { backoffMs, decide, pacingMs, pauseMs } from '../../receiver/derive/delivery/retry.ts';

const failure = (more: Partial<Extract<PostOutcome, { ok: false }>> = {}): PostOutcome => ({
  ok: false,
  status: 500,
  failure: 'status 500',
  refused: false,
  retryAfterMs: null,
  ...more,
});

describe('a message that failed', () => {
  it('waits 30 s, then twice as long each time up to an hour, a little less by chance', () => {
    const waits = Array.from({ length: 11 }, (_, index) => backoffMs(index + 1, 0) / 1000);
    expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (tries, random) => {
          const ms = backoffMs(tries, random);
          expect(ms).toBeLessThanOrEqual(backoffMs(tries, 0));
          expect(ms).toBeGreaterThanOrEqual(backoffMs(tries, 0) * 0.8 - 1);
        },
      ),
    );
  });

  it('is given up after 12 tries, after 3 where the channel refuses it', () => {
    expect(decide(failure(), 11, 0).state).toBe('pending');
    expect(decide(failure(), 12, 0)).toEqual({ state: 'dead', reason: 'status 500; given up after 12 tries' });
    expect(decide(failure({ refused: true }), 2, 0).state).toBe('pending');
    expect(decide(failure({ refused: true }), 3, 0).state).toBe('dead');
    expect(decide({ ok: true, status: 200 }, 40, 0)).toEqual({ state: 'sent' });
  });

  it('waits as long as the other side asks, within an hour, and never less than its own turn', () => {
    expect(decide(failure({ retryAfterMs: 600_000 }), 1, 0)).toMatchObject({ waitMs: 600_000 });
    expect(decide(failure({ retryAfterMs: 10 ** 12 }), 1, 0)).toMatchObject({ waitMs: 3_600_000 });
    expect(decide(failure({ retryAfterMs: 0 }), 1, 0)).toMatchObject({ waitMs: 30_000 });
    expect(pauseMs(failure({ retryAfterMs: 10 ** 12 }))).toBe(3_600_000);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-22T01:00:00Z');
  it.each([
    ['120', 120_000],
    ['0', 0],
    ['Sun, 22 Nov 2026 01:02:00 GMT', 120_000],
    ['Sun, 22 Nov 2026 00:00:00 GMT', 0],
    ['-5', null],
    ['1e9', null],
    ['99999999999999999999', null],
    ['soon', null],
    ['2026-11-22', null],
    [undefined, null],
  ])('%s is %s', (text, expected) => {
    expect(readRetryAfter(text, now)).toBe(expected);
  });
});

describe('the pace of a channel', () => {
  it('is one post a second and never more than 20 in any minute, however long it goes on', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 8_000 }), { minLength: 1, maxLength: 120 }), (pauses) => {
        let nowMs = 1_000_000;
        let posted: Date[] = [];
        const all: number[] = [];
        for (const pause of pauses) {
          nowMs += pause;
          nowMs += pacingMs(posted, new Date(nowMs));
          expect(pacingMs(posted, new Date(nowMs))).toBe(0);
          all.push(nowMs);
          posted = [new Date(nowMs), ...posted].slice(0, 20);
        }
        for (const [index, time] of all.entries()) {
          if (index > 0) expect(time - (all[index - 1] ?? 0)).toBeGreaterThanOrEqual(1_000);
          expect(all.filter((other) => other > time - 60_000 && other <= time).length).toBeLessThanOrEqual(20);
        }
      }),
    );
  });
});
