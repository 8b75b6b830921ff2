/** The budget of body memory: never above its limit, back to zero whatever happens, and no two requests in one buffer. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createBodyBudget, type Reservation } from '../../receiver/inflight.ts';

const LIMIT = 10_000_000;
const step = fc.record({
  what: fc.constantFrom('reserve', 'grow', 'buffer', 'release'),
  which: fc.nat(9),
  bytes: fc.integer({ min: 0, max: 6_000_000 }),
});

test('any order of calls stays within the limit, keeps every request’s bytes and ends at zero', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const budget = createBodyBudget(LIMIT);
      const open: { reservation: Reservation; buffer: Buffer | null; mark: number }[] = [];
      for (const [index, { what, which, bytes }] of steps.entries()) {
        const one = open[which % Math.max(open.length, 1)];
        try {
          if (what === 'reserve') open.push({ reservation: budget.reserve(bytes), buffer: null, mark: index % 256 });
          else if (what === 'grow') one?.reservation.grow(bytes);
          else if (what === 'release') one?.reservation.release();
          else if (one && !one.reservation.isReleased()) {
            const kept = one.buffer === null ? 0 : 1;
            one.buffer = one.reservation.buffer(Math.max(bytes, 1), kept);
            if (kept === 0) one.buffer[0] = one.mark;
          }
        } catch (error) {
          expect(error).toMatchObject({ code: 'unavailable' });
        }
        expect(budget.held()).toBeLessThanOrEqual(LIMIT);
        for (const { reservation, buffer, mark } of open) {
          if (buffer !== null && !reservation.isReleased()) expect(buffer[0]).toBe(mark);
        }
      }
      for (const { reservation } of open) reservation.release();
      expect(budget.held()).toBe(0);
    }),
    { numRuns: 200 },
  );
});

test('memory beyond what is kept is freed at once, not at a garbage collection', () => {
  const budget = createBodyBudget(1024 * 1024 * 1024);
  const before = process.memoryUsage().external;
  const reservations = Array.from({ length: 8 }, () => budget.reserve(32 * 1024 * 1024));
  for (const reservation of reservations) reservation.buffer(32 * 1024 * 1024, 0);
  expect(process.memoryUsage().external - before).toBeGreaterThan(200 * 1024 * 1024);
  for (const reservation of reservations) reservation.release();
  expect(process.memoryUsage().external - before).toBeLessThan(80 * 1024 * 1024);
});
