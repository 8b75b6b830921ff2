import { afterEach, expect, test } from 'vitest';
import { planNights } from '../../demo/nights.ts';

const zone = process.env.TZ;
afterEach(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

const HOUR_MS = 3_600_000;

for (const name of ['UTC', 'Europe/Berlin', 'America/Los_Angeles', 'Asia/Kolkata', 'Pacific/Kiritimati']) {
  test(`in ${name} no night lies in the future or is played twice, at any hour and where clocks change`, () => {
    process.env.TZ = name;
    for (const day of ['2026-03-08', '2026-03-29', '2026-10-25', '2026-11-01', '2026-12-31']) {
      for (let hour = 0; hour < 48; hour++) {
        const now = new Date(Date.parse(`${day}T00:30:00Z`) + hour * HOUR_MS);
        const nights = planNights(14, 80, now);
        expect(new Set(nights.map((night) => night.date)).size).toBe(14);
        for (const [index, night] of nights.entries()) {
          const nextMs = nights[index + 1]?.startedAt.getTime() ?? now.getTime() + 1;
          expect(night.startedAt.getTime()).toBeLessThan(nextMs);
          expect(night.nightsAgo).toBe(13 - index);
          // 03:00 in the night in which 02:00 does not exist.
          expect([2, 3]).toContain(night.startedAt.getHours());
        }
        expect(now.getTime() - (nights.at(-1)?.startedAt.getTime() ?? 0)).toBeLessThan(26 * HOUR_MS);
      }
    }
  });
}
