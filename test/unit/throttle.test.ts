/** An outage must be seen at once and must not fill the disk with one line a request. */

import { expect, test } from 'vitest';
import { RequestError } from '../../receiver/errors.ts';
import { createLog } from '../../receiver/log.ts';
import { createFailureLog, tellingRefusals } from '../../receiver/throttle.ts';

const failure = (cause: unknown) => new RequestError('unavailable', undefined, { cause });
const away = () => failure(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }));

test('alike failures are one line each five seconds, with the number left out; another kind is seen at once', () => {
  let nowMs = 0;
  const lines: Record<string, unknown>[] = [];
  const log = createLog({ level: 'info', stream: { write: (line) => lines.push(JSON.parse(line)) } });
  const report = createFailureLog(log, () => nowMs);
  for (let request = 0; request < 1000; request++) report(away());
  expect(lines.length).toBe(1);
  report(failure(new TypeError('a bug')));
  expect(lines.length).toBe(2);
  nowMs = 6_000;
  report(away());
  expect(lines.map((line) => line.alike_before)).toEqual([0, 0, 999]);
});

test('the first refusal of a reason is a line at once, the next ones one a minute with their number, and all are counted', () => {
  let nowMs = 0;
  const lines: Record<string, unknown>[] = [];
  const counted: [string, number | undefined][] = [];
  const log = createLog({ level: 'info', stream: { write: (line) => lines.push(JSON.parse(line)) } });
  const counter = { refused: (reason: string, records?: number) => void counted.push([reason, records]) };
  const told = tellingRefusals(counter, log, () => nowMs);
  told.refused('unknown_tenant', 54);
  for (let request = 0; request < 1000; request++) told.refused('unknown_tenant', 2);
  told.refused('too_old');
  nowMs = 60_000;
  told.refused('unknown_tenant', 7);
  expect(lines.map(({ reason, records, records_before: before }) => [reason, records, before])).toEqual([
    ['unknown_tenant', 54, 0],
    ['too_old', 1, 0],
    ['unknown_tenant', 7, 2000],
  ]);
  expect(lines.every(({ level }) => level === 'warn')).toBe(true);
  expect(counted.length).toBe(1003);
  expect(counted.reduce((sum, [, records]) => sum + (records ?? 0), 0)).toBe(2062);
});
