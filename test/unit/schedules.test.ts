/** Due times across clock changes and days off, and schedules that are refused with a reason. */

import { expect, test } from 'vitest';
import { checkSchedule, dueTimes, type Schedule, ScheduleError } from '../../receiver/derive/alerts/schedules.ts';

const schedule = (given: Partial<Schedule> = {}): Schedule => ({
  tenantId: 7,
  pipeline: 'nightly',
  environment: '',
  cron: '30 2 * * *',
  timezone: 'Europe/Berlin',
  startGraceSeconds: 900,
  runLimitSeconds: null,
  minimumSeconds: null,
  exceptDays: [],
  enabled: true,
  ...given,
});

const due = (given: Partial<Schedule>, from: string, until: string) =>
  [...dueTimes(schedule(given), new Date(from), new Date(until))].map((time) => time.toISOString().slice(0, 16));

test('a fixed time that the clock skips is due when the gap ends', () => {
  expect(due({}, '2026-03-28T00:00Z', '2026-03-30T12:00Z')).toEqual([
    '2026-03-28T01:30',
    '2026-03-29T01:00',
    '2026-03-30T00:30',
  ]);
});

test('a fixed time that the clock repeats is due once, at the first', () => {
  expect(due({}, '2026-10-24T12:00Z', '2026-10-26T12:00Z')).toEqual(['2026-10-25T00:30', '2026-10-26T01:30']);
  expect(due({ cron: '0,30 2 * * *' }, '2026-10-24T12:00Z', '2026-10-25T12:00Z')).toEqual([
    '2026-10-25T00:00',
    '2026-10-25T00:30',
  ]);
});

test('hourly runs go by the time that passes, on both sides of a change', () => {
  expect(due({ cron: '0 * * * *' }, '2026-10-24T23:30Z', '2026-10-25T02:00Z')).toEqual([
    '2026-10-25T00:00',
    '2026-10-25T01:00',
    '2026-10-25T02:00',
  ]);
  expect(due({ cron: '0 * * * *' }, '2026-03-29T00:00Z', '2026-03-29T02:00Z')).toEqual([
    '2026-03-29T01:00',
    '2026-03-29T02:00',
  ]);
});

test("a day off is a day of the schedule's own calendar", () => {
  const nights = { cron: '0 1 * * *', timezone: 'Pacific/Auckland', exceptDays: ['2026-12-25'] };
  // 25 December, one in the morning in Auckland, is 24 December, noon in UTC.
  expect(due(nights, '2026-12-23T00:00Z', '2026-12-26T00:00Z')).toEqual(['2026-12-23T12:00', '2026-12-25T12:00']);
});

test.each([
  [{ cron: '' }, 'cron pattern'],
  [{ cron: '61 * * * *' }, 'minute'],
  [{ cron: '0 0 2 * * *' }, 'minute, hour, day of month'],
  [{ cron: '0 2 30 2 *' }, 'never comes'],
  [{ cron: 'every night' }, 'cron pattern'],
  [{ timezone: 'Mars/Olympus' }, 'time zone "Mars/Olympus"'],
  [{ timezone: '+02:00' }, 'time zone'],
  [{ timezone: '' }, 'time zone'],
  [{ exceptDays: ['2026-02-30'] }, '"2026-02-30" is no day'],
  [{ exceptDays: ['Christmas'] }, '"Christmas" is no day'],
  [{ startGraceSeconds: 86_401 }, 'grace'],
  [{ runLimitSeconds: 0 }, 'limit'],
  [{ minimumSeconds: 60, runLimitSeconds: 60 }, 'shorter than the limit'],
  [{ pipeline: '' }, 'pipeline'],
])('%o is refused with what is wrong', (given, words) => {
  const check = () => checkSchedule(schedule(given), new Date('2026-03-01T00:00Z'));
  expect(check).toThrow(ScheduleError);
  expect(check).toThrow(words);
});

test('a schedule once in four years is none that never comes', () => {
  expect(() => checkSchedule(schedule({ cron: '0 2 29 2 *' }), new Date('2026-03-01T00:00Z'))).not.toThrow();
});
