/** What a sender may try again and what it must drop is decided here and nowhere else. */

import { expect, test } from 'vitest';
import { DecodeError } from '../../receiver/decode/shape.ts';
import { FAILURE_CODES, isUnexpected, RequestError, toRequestError } from '../../receiver/errors.ts';

test('exactly the statuses that OTLP clients resend are retryable, and 500 is never answered', () => {
  for (const code of FAILURE_CODES) {
    const { status, retryable } = new RequestError(code);
    expect(retryable, code).toBe([429, 502, 503, 504].includes(status));
    expect([400, 401, 403, 404, 405, 408, 413, 415, 429, 431, 503]).toContain(status);
  }
});

test('a bug is retryable, so that the sender keeps its data, and its text stays inside', () => {
  const error = toRequestError(new TypeError('person@example.org'));
  expect([error.status, isUnexpected(error)]).toEqual([503, true]);
  expect(error.message).not.toContain('example.org');
  expect((error.cause as Error).message).toContain('example.org');
  expect(toRequestError('a thrown string').status).toBe(503);
});

test('a body that is no message is permanent and not our fault', () => {
  const error = toRequestError(new DecodeError('line 3'));
  expect([error.status, error.message, isUnexpected(error)]).toEqual([400, 'line 3', false]);
});

test('pressure that we answer on purpose is not reported as a fault', () => {
  const error = new RequestError('unavailable', 'The queue is full');
  expect([toRequestError(error), isUnexpected(error)]).toEqual([error, false]);
});
