/** What only raw sockets can send: senders that lie, stall, leave, or go on sending after their answer. */

import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { readMessage } from '../helpers/otlp_messages.ts';
import { head, rawConnection, type ServerOptions, startOtlpServer, type TestServer } from '../helpers/otlp_server.ts';

let server: TestServer;
const start = async (options: ServerOptions = {}) => {
  server = await startOtlpServer(options);
  return server;
};
afterEach(() => server.close());

/** One connection that sends `data` and waits for the end; the receiver must have given everything back. */
async function exchange(data: string | Buffer) {
  const connection = await rawConnection(server.port);
  await connection.write(data);
  const result = await connection.untilClosed;
  return result.text;
}

const CLOSE = { Connection: 'close' };
const statusLine = (text: string) => text.split('\r\n', 1)[0];
const bodyOf = (text: string) => text.slice(text.indexOf('\r\n\r\n') + 4);
const MEBIBYTE = Buffer.alloc(1024 * 1024, 'x');

/** A sender that writes everything before it reads, as simple HTTP clients do. */
async function sendAllThenRead(headText: string, mebibytes: number) {
  const connection = await rawConnection(server.port);
  connection.socket.pause();
  await connection.write(headText);
  for (let sent = 0; sent < mebibytes; sent++) await connection.write(MEBIBYTE);
  connection.socket.resume();
  return connection.untilClosed;
}

test('a sender of 64 MiB without a token reads its 401, and no byte is kept', async () => {
  await start();
  const length = { 'Content-Length': 64 * 1024 * 1024, Authorization: 'Bearer wrong' };
  for (let round = 0; round < 3; round++) {
    const { text, wasReset } = await sendAllThenRead(head('/v1/traces', length), 64);
    expect([statusLine(text), wasReset]).toEqual(['HTTP/1.1 401 Unauthorized', false]);
    expect(text.toLowerCase()).toContain('connection: close');
    expect(JSON.parse(bodyOf(text))).toMatchObject({ code: 16 });
  }
  expect([server.recorded.length, server.budget.held()]).toEqual([0, 0]);
});

test('a sender of 80 MiB reads its 413, declared or chunked', async () => {
  await start();
  const declared = await sendAllThenRead(head('/v1/traces', { 'Content-Length': 80 * 1024 * 1024 }), 80);
  expect([statusLine(declared.text), declared.wasReset]).toEqual(['HTTP/1.1 413 Payload Too Large', false]);
  const connection = await rawConnection(server.port);
  connection.socket.pause();
  await connection.write(head('/v1/traces', { 'Transfer-Encoding': 'chunked' }));
  for (let sent = 0; sent < 80; sent++) {
    await connection.write(Buffer.concat([Buffer.from('100000\r\n'), MEBIBYTE, Buffer.from('\r\n')]));
  }
  await connection.write('0\r\n\r\n');
  connection.socket.resume();
  const chunked = await connection.untilClosed;
  expect([statusLine(chunked.text), chunked.wasReset]).toEqual(['HTTP/1.1 413 Payload Too Large', false]);
  expect(server.budget.held()).toBe(0);
});

test('Expect: 100-continue is asked for the body only when it is wanted', async () => {
  await start();
  const wanted = await rawConnection(server.port);
  await wanted.write(head('/v1/traces', { Expect: '100-continue', 'Content-Length': 2, ...CLOSE }));
  await wanted.until('100 Continue\r\n\r\n');
  await wanted.write('{}');
  expect((await wanted.untilClosed).text).toContain('HTTP/1.1 200 OK');
  const unwanted = await rawConnection(server.port);
  await unwanted.write(head('/v1/traces', { Expect: '100-continue', 'Content-Length': 2, Authorization: 'none' }));
  const text = await unwanted.until('"code":16');
  expect(statusLine(text)).toBe('HTTP/1.1 401 Unauthorized');
  unwanted.socket.destroy();
});

test('an expectation that we do not know is ignored', async () => {
  await start();
  expect(await exchange(`${head('/v1/traces', { Expect: 'miracle', 'Content-Length': 2, ...CLOSE })}{}`)).toContain(
    '200 OK',
  );
});

test('a chunked body without length arrives whole', async () => {
  await start();
  const text = await exchange(
    `${head('/v1/traces', { 'Transfer-Encoding': 'chunked', ...CLOSE })}1\r\n{\r\n1\r\n}\r\n0\r\n\r\n`,
  );
  expect(statusLine(text)).toBe('HTTP/1.1 200 OK');
  expect(server.recorded[0]?.body.toString()).toBe('{}');
});

test('a sender that leaves in the middle of its body stores nothing and frees its budget', async () => {
  await start();
  const connection = await rawConnection(server.port);
  await connection.write(head('/v1/traces', { 'Content-Length': 1000 }));
  await connection.write('{"half":');
  await expect.poll(() => server.budget.held()).toBe(1000);
  connection.socket.resetAndDestroy();
  await expect.poll(() => server.budget.held()).toBe(0);
  expect(server.recorded).toEqual([]);
});

test('a sender that leaves while its token is looked up frees its budget', async () => {
  let answerLookUp: (() => void) | undefined;
  await start({
    verifyToken: () =>
      new Promise((resolve) => {
        answerLookUp = () => resolve({ kind: 'ingest', tenantId: null, scopes: [] });
      }),
  });
  const connection = await rawConnection(server.port);
  await connection.write(`${head('/v1/traces', { 'Content-Length': 1000 })}{`);
  await expect.poll(() => answerLookUp !== undefined).toBe(true);
  connection.socket.resetAndDestroy();
  await expect.poll(() => server.answers.length).toBe(1);
  answerLookUp?.();
  await expect.poll(() => server.budget.held()).toBe(0);
  expect(server.recorded).toEqual([]);
});

test('a sender that leaves while ingest works is served to the end', async () => {
  await start();
  let commit: (() => void) | undefined;
  server.answer = () =>
    new Promise((resolve) => {
      commit = () => resolve({ accepted: 1, rejected: 0, message: null });
    });
  const connection = await rawConnection(server.port);
  await connection.write(`${head('/v1/traces', { 'Content-Length': 2 })}{}`);
  await expect.poll(() => commit !== undefined).toBe(true);
  connection.socket.resetAndDestroy();
  commit?.();
  await expect.poll(() => server.budget.held()).toBe(0);
  expect(server.failures).toEqual([]);
});

test('a Content-Length that is too short answers the request it frames, then closes', async () => {
  await start();
  const text = await exchange(`${head('/v1/traces', { 'Content-Length': 2 })}{}garbage beyond\r\n\r\n`);
  expect(statusLine(text)).toBe('HTTP/1.1 200 OK');
  expect(server.recorded.map((one) => one.body.toString())).toEqual(['{}']);
});

test.each([
  ['negative', { 'Content-Length': -5 }],
  ['no number', { 'Content-Length': 'many' }],
  ['beyond 64 bits', { 'Content-Length': '99999999999999999999999' }],
  ['given beside chunks', { 'Content-Length': 2, 'Transfer-Encoding': 'chunked' }],
])('a Content-Length that is %s is 400', async (_name, headers) => {
  await start();
  const text = await exchange(`${head('/v1/traces', headers)}{}`);
  expect(statusLine(text)).toBe('HTTP/1.1 400 Bad Request');
  expect(JSON.parse(bodyOf(text))).toMatchObject({ code: 3 });
});

test('a slow body is 408 in the request’s encoding', async () => {
  await start({ limits: { bodyIdleMs: 150 } });
  const connection = await rawConnection(server.port);
  await connection.write(head('/v1/traces', { 'Content-Length': 10, 'Content-Type': 'application/x-protobuf' }));
  await connection.write('abc');
  const text = await connection.until('application/x-protobuf');
  expect(statusLine(text)).toBe('HTTP/1.1 408 Request Timeout');
  expect(readMessage('Status', Buffer.from(bodyOf(text), 'latin1'))).toMatchObject({ code: 4 });
  expect(server.budget.held()).toBe(0);
  connection.socket.destroy();
});

test('a body that trickles for ever is 408 as well', async () => {
  await start({ limits: { bodyIdleMs: 60_000, bodyTotalMs: 300 } });
  const connection = await rawConnection(server.port);
  await connection.write(head('/v1/traces', { 'Content-Length': 1_000_000 }));
  const trickle = setInterval(() => void connection.write('x'), 20);
  const text = await connection.until('"code":4');
  clearInterval(trickle);
  expect(statusLine(text)).toBe('HTTP/1.1 408 Request Timeout');
  connection.socket.destroy();
});

test('headers that never end are 408', async () => {
  await start({ headersMs: 200 });
  const text = await exchange('POST /v1/traces HTTP/1.1\r\nHost: x\r\nX-Slow: ');
  expect(statusLine(text)).toBe('HTTP/1.1 408 Request Timeout');
  expect(JSON.parse(bodyOf(text))).toMatchObject({ code: 4 });
});

test('headers that are too large are 431', async () => {
  await start();
  const text = await exchange(head('/v1/traces', { 'X-Large': 'y'.repeat(40_000) }));
  expect(statusLine(text)).toBe('HTTP/1.1 431 Request Header Fields Too Large');
  expect(JSON.parse(bodyOf(text))).toMatchObject({ code: 8 });
});

test.each([
  ['no HTTP', 'hello there\r\n\r\n'],
  ['TLS', Buffer.from('160301020001000001fc0303', 'hex')],
  ['HTTP/2 without upgrade', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['no Host', 'GET /v1/traces HTTP/1.1\r\nConnection: close\r\n\r\n'],
  ['a NUL in a header', `${head('/v1/traces', { 'X-Zero': '\0' })}`],
  ['an unknown method', 'FROBNICATE /v1/traces HTTP/1.1\r\nHost: x\r\n\r\n'],
])('%s is 400', async (_name, data) => {
  await start();
  const text = await exchange(data);
  expect(statusLine(text)).toBe('HTTP/1.1 400 Bad Request');
  expect(JSON.parse(bodyOf(text))).toMatchObject({ code: 3 });
});

test('CONNECT is 405', async () => {
  await start();
  const text = await exchange('CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n');
  expect(statusLine(text)).toBe('HTTP/1.1 405 Method Not Allowed');
});

test('a broken chunk in a protobuf request is 400 in protobuf', async () => {
  await start();
  const type = { 'Content-Type': 'application/x-protobuf', 'Transfer-Encoding': 'chunked' };
  const text = await exchange(`${head('/v1/traces', type)}zz\r\n`);
  expect(statusLine(text)).toBe('HTTP/1.1 400 Bad Request');
  expect(readMessage('Status', Buffer.from(bodyOf(text), 'latin1'))).toMatchObject({ code: 3 });
  await expect.poll(() => server.budget.held()).toBe(0);
});

test('one connection serves many requests, refused ones included', async () => {
  await start();
  const connection = await rawConnection(server.port);
  await connection.write(`${head('/v1/traces', { 'Content-Length': 2 })}{}`);
  await connection.until('200 OK');
  await connection.write(`${head('/v1/traces', { 'Content-Length': 2, Authorization: 'none' })}{}`);
  await connection.until('401 Unauthorized');
  await connection.write(`${head('/v1/logs', { 'Content-Length': 2, ...CLOSE })}{}`);
  const { text } = await connection.untilClosed;
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 401', 'HTTP/1.1 200']);
});

test('pipelined requests are answered in order', async () => {
  await start();
  const one = `${head('/v1/traces', { 'Content-Length': 2 })}{}`;
  const text = await exchange(
    `${one}${head('/v1/nothing', {}, 'GET')}${head('/v1/logs', { 'Content-Length': 2, ...CLOSE })}[]`,
  );
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200']);
});

test('bodies beyond the budget are 503 until there is room, one of the largest size always fits', async () => {
  await start({ inFlightBytes: 1500, limits: { bodyBytes: 1000 } });
  const holding = await rawConnection(server.port);
  await holding.write(head('/v1/traces', { 'Content-Length': 1000, ...CLOSE }));
  await expect.poll(() => server.budget.held()).toBe(1000);
  const refused = await exchange(`${head('/v1/traces', { 'Content-Length': 600, ...CLOSE })}${'x'.repeat(600)}`);
  expect(statusLine(refused)).toBe('HTTP/1.1 503 Service Unavailable');
  expect(refused).toMatch(/retry-after: 1\r\n/i);
  const bomb = gzipSync(Buffer.alloc(900));
  const inflating = { 'Content-Length': bomb.length, 'Content-Encoding': 'gzip', ...CLOSE };
  const grown = await exchange(Buffer.concat([Buffer.from(head('/v1/traces', inflating)), bomb]));
  expect(statusLine(grown)).toBe('HTTP/1.1 503 Service Unavailable');
  await holding.write('y'.repeat(1000));
  expect(statusLine((await holding.untilClosed).text)).toBe('HTTP/1.1 200 OK');
  expect(server.budget.held()).toBe(0);
  expect(server.failures).toEqual([]);
});

/** One request that may go wrong in any of the ways that senders have. */
const misbehaviour = fc.record({
  declared: fc.constantFrom('right', 'short', 'long', 'chunked', 'none'),
  coding: fc.constantFrom('', 'gzip', 'deflate', 'br'),
  isCompressed: fc.boolean(),
  bodyBytes: fc.integer({ min: 0, max: 3000 }),
  isAuthorized: fc.boolean(),
  leavesAfterBytes: fc.option(fc.integer({ min: 0, max: 4000 })),
});

test('whatever a sender does, the budget returns to zero and statuses stay within the contract', async () => {
  await start({ inFlightBytes: 4000, limits: { bodyBytes: 2000, bodyIdleMs: 100, lingerIdleMs: 100 } });
  server.answer = async (body) => {
    if (body.length % 3 === 1) throw new TypeError('a bug');
    return { accepted: 0, rejected: body.length % 3, message: 'refused' };
  };
  await fc.assert(
    fc.asyncProperty(fc.array(misbehaviour, { minLength: 1, maxLength: 8 }), async (requests) => {
      await Promise.all(requests.map(misbehave));
      await expect.poll(() => server.budget.held()).toBe(0);
    }),
    { numRuns: 60 },
  );
  const allowed = [0, 200, 400, 401, 403, 404, 405, 408, 413, 415, 429, 431, 503];
  expect(server.answers.filter(({ status }) => !allowed.includes(status))).toEqual([]);
  expect(new Set(server.answers.map(({ status }) => status)).size).toBeGreaterThan(5);
});

async function misbehave(one: typeof misbehaviour extends fc.Arbitrary<infer R> ? R : never): Promise<void> {
  const plain = Buffer.alloc(one.bodyBytes, 'z');
  const body = one.isCompressed ? gzipSync(plain) : plain;
  const framing = {
    right: { 'Content-Length': body.length },
    short: { 'Content-Length': Math.floor(body.length / 2) },
    long: { 'Content-Length': body.length + 10 },
    chunked: { 'Transfer-Encoding': 'chunked' },
    none: {},
  }[one.declared];
  const headText = head('/v1/traces', {
    ...framing,
    ...(one.coding === '' ? {} : { 'Content-Encoding': one.coding }),
    ...(one.isAuthorized ? {} : { Authorization: 'none' }),
    ...CLOSE,
  });
  const chunked = Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);
  const whole = Buffer.concat([Buffer.from(headText), one.declared === 'chunked' ? chunked : body]);
  const connection = await rawConnection(server.port);
  if (one.leavesAfterBytes === null) {
    await connection.write(whole);
  } else {
    await connection.write(whole.subarray(0, one.leavesAfterBytes));
    connection.socket.resetAndDestroy();
  }
  await connection.untilClosed;
}
