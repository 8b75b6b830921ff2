/** An outage must be seen at once and must not fill the disk with one line a request. */

import { expect, test } from 'vitest';
import { RequestError } from '../../receiver/errors.ts';
import { createLog } from '../../receiver/log.ts';
import { createFailureLog } from '../../receiver/throttle.ts';

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
