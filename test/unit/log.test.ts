/** Nothing that is secret, and no payload quoted by an error, gets into a log line, however it is passed. */

import { expect, test } from 'vitest';
import { RequestError } from '../../receiver/errors.ts';
import { createLog } from '../../receiver/log.ts';

const SECRETS = ['admin-token-0123456789', 'p@ss"word'];

function capture(isTTY = false) {
  const lines: string[] = [];
  const stream = { isTTY, write: (text: string) => lines.push(text) };
  return { lines, log: createLog({ level: 'debug', secrets: SECRETS, stream }) };
}

test.each([false, true])('known secrets, bearer tokens and passwords never appear (terminal: %s)', (isTTY) => {
  const { lines, log } = capture(isTTY);
  log.info(
    { header: 'Bearer rl_abcdef123', deep: { list: ['admin-token-0123456789'] } },
    'with admin-token-0123456789',
  );
  log.warn({ token: 'anything at all', authorization: 'x', slack_webhook: 'https://hooks.example/abc' }, 'keys');
  log.error({ url: 'postgres://user:hunter22@db:5432/x', quote: 'p@ss"word' }, 'postgres://a:b-c-d@h/x');
  const text = lines.join('');
  for (const secret of ['admin-token', 'rl_abcdef', 'anything at all', 'hooks.example', 'hunter22', 'p@ss', 'b-c-d']) {
    expect(text).not.toContain(secret);
  }
  expect(text).toContain('db:5432');
  expect(lines.length).toBe(3);
});

test('an error that may quote a payload keeps its place and loses its words', () => {
  const { lines, log } = capture();
  let thrown: unknown;
  try {
    JSON.parse('{"person": nobody@example.org}');
  } catch (error) {
    thrown = error;
  }
  log.error({ err: new RequestError('unavailable', undefined, { cause: thrown }) }, 'request failed');
  const { err } = JSON.parse(lines[0] ?? '');
  expect(lines[0]).not.toContain('nobody');
  expect(err.cause.type).toBe('SyntaxError');
  expect(err.cause.stack[0]).toMatch(/^at /);
  expect(err.message).toContain('send again later');
});

test('a row fault of the database keeps SQLSTATE and constraint, not the row', () => {
  const { lines, log } = capture();
  const fault = Object.assign(new Error('invalid input syntax for type integer: "person@example.org"'), {
    code: '22P02',
    detail: 'Failing row contains (person@example.org)',
    constraint: 'run_event_logs_status_known',
  });
  log.error({ err: fault }, 'write failed');
  expect(lines[0]).not.toContain('example.org');
  expect(JSON.parse(lines[0] ?? '').err).toMatchObject({ code: '22P02', constraint: 'run_event_logs_status_known' });
});

test('an error of the connection says what is wrong', () => {
  const { lines, log } = capture();
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
  });
  log.error({ err: refused }, 'database away');
  expect(JSON.parse(lines[0] ?? '').err.message).toContain('127.0.0.1:5432');
});

test('a line break in a value cannot forge a second line', () => {
  const { lines, log } = capture();
  log.info({ name: 'a\n{"level":"fatal"}' }, 'one\ntwo');
  expect(lines.length).toBe(1);
  expect(lines[0]?.trimEnd().split('\n').length).toBe(1);
});
