/** The bucket of spans: never more than the rate over time, never a request that cannot get through, nothing charged for what comes again. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Quota, Quotas } from '../../receiver/quota.ts';
import { createSpanRates } from '../../receiver/span_rate.ts';

const NO_LIMITS: Quota = {
  spansPerSecond: null,
  burstSpans: null,
  openRuns: null,
  stagesPerRun: null,
  vendorsPerRun: null,
  parkedBytes: null,
};
const rated = (spansPerSecond: number | null, burstSpans: number | null = null): Quota => ({
  ...NO_LIMITS,
  spansPerSecond,
  burstSpans,
});

test('whatever comes when, what is taken stays below burst, rate and the last request', () => {
  const asked = fc.array(fc.tuple(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 1, max: 3_000 })), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 2_000 }),
      asked,
      (rate, burst, requests) => {
        let nowMs = 1_000_000;
        const quotas: Quotas = new Map([[7, rated(rate, burst)]]);
        const rates = createSpanRates(
          () => quotas,
          () => nowMs,
        );
        let taken = 0;
        let largest = 0;
        for (const [waitMs, spans] of requests) {
          nowMs += waitMs;
          if (rates.open()?.take(7, spans) !== true) continue;
          taken += spans;
          largest = Math.max(largest, spans);
          const elapsedSeconds = (nowMs - 1_000_000) / 1000;
          expect(taken).toBeLessThanOrEqual(burst + rate * elapsedSeconds + largest + 0.001);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('a sender that comes back as it is told gets every request through, and waits no longer than its spans are worth', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 100 }),
      fc.array(fc.integer({ min: 1, max: 4_000 }), { minLength: 1, maxLength: 30 }),
      (rate, burst, requests) => {
        let nowMs = 0;
        const quotas: Quotas = new Map([[7, rated(rate, burst)]]);
        const rates = createSpanRates(
          () => quotas,
          () => nowMs,
        );
        let sent = 0;
        for (const spans of requests) {
          for (;;) {
            const charge = rates.open();
            if (charge?.take(7, spans) === true) break;
            const seconds = charge?.refused().get(7) ?? 0;
            expect([1, 2, 3]).toContain(seconds);
            nowMs += seconds * 1000;
          }
          // Told to wait whole seconds, and at least one more than nothing.
          expect(nowMs / 1000).toBeLessThanOrEqual(sent / rate + requests.length * 3 + 3);
          sent += spans;
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('a request is judged once: its later chunks follow the first one into debt', () => {
  const quotas: Quotas = new Map([[7, rated(10, 5)]]);
  const rates = createSpanRates(
    () => quotas,
    () => 0,
  );
  const large = rates.open();
  expect([large?.take(7, 512), large?.take(7, 512), large?.take(7, 512)]).toEqual([true, true, true]);
  const next = rates.open();
  expect(next?.take(7, 1)).toBe(false);
  expect(next?.refused()).toEqual(new Map([[7, 3]]));
});

test('what is given back can be taken again, and what was never taken is not given', () => {
  const quotas: Quotas = new Map([
    [7, rated(10, 100)],
    [8, rated(10, 100)],
  ]);
  const rates = createSpanRates(
    () => quotas,
    () => 0,
  );
  rates.open()?.take(8, 1_000);
  const mixed = rates.open();
  expect(mixed?.take(7, 100)).toBe(true);
  expect(mixed?.take(8, 1)).toBe(false);
  mixed?.refund();
  mixed?.refund();
  const again = rates.open();
  expect(again?.take(7, 99)).toBe(true);
  expect(rates.open()?.take(7, 1)).toBe(true);
  expect(rates.open()?.take(7, 1)).toBe(false);
  expect(rates.open()?.take(8, 1)).toBe(false);
});

test('limits change while it runs: lower, higher, none, and again', () => {
  let quotas: Quotas = new Map([[7, rated(10, 10)]]);
  let nowMs = 0;
  const rates = createSpanRates(
    () => quotas,
    () => nowMs,
  );
  expect(rates.open()?.take(7, 30)).toBe(true);
  expect(rates.open()?.take(7, 1)).toBe(false);
  quotas = new Map([[7, rated(100, 10)]]);
  nowMs += 250;
  expect(rates.open()?.take(7, 1)).toBe(true);
  quotas = new Map();
  expect(rates.open()).toBeNull();
  quotas = new Map([[7, { ...NO_LIMITS, openRuns: 3 }]]);
  expect(rates.open()?.take(7, 1_000_000)).toBe(true);
  quotas = new Map([[7, rated(1)]]);
  // Ten seconds' worth at once after a pause, unless told otherwise.
  expect(rates.open()?.take(7, 9)).toBe(true);
  expect(rates.open()?.take(7, 1)).toBe(true);
  expect(rates.open()?.take(7, 1)).toBe(false);
});

test('a clock that stands still or goes back gives nothing and takes nothing', () => {
  const quotas: Quotas = new Map([[7, rated(10, 10)]]);
  let nowMs = 5_000;
  const rates = createSpanRates(
    () => quotas,
    () => nowMs,
  );
  expect(rates.open()?.take(7, 10)).toBe(true);
  nowMs = 1_000;
  expect(rates.open()?.take(7, 1)).toBe(false);
  nowMs = 1_200;
  expect(rates.open()?.take(7, 1)).toBe(true);
});
