/** The gRPC layer by itself: who may send, how much, what each failure says and what is read when. */

import { gzipSync } from 'node:zlib';
import { compressionAlgorithms } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from 'vitest';
import { DecodeError } from '../../receiver/decode/shape.ts';
import { LIMITS } from '../../receiver/limits.ts';
import {
  deferred,
  framed,
  type GrpcClient,
  type GrpcServerOptions,
  grpcClient,
  rawCall,
  startGrpcServer,
  type TestGrpcServer,
} from '../helpers/grpc_client.ts';

let server: TestGrpcServer;
let client: GrpcClient;
const open: { destroy(): void }[] = [];

async function start(options: GrpcServerOptions = {}, clientOptions = {}): Promise<void> {
  server = await startGrpcServer(options);
  client = grpcClient(server.url, clientOptions);
}
async function raw(token: string, headers: Record<string, string> = {}) {
  const call = await rawCall(server.url, token, headers);
  open.push(call.session);
  return call;
}
afterEach(async () => {
  for (const session of open.splice(0)) session.destroy();
  client.close();
  await server.server.close(1_000);
});

const BODY = Buffer.from('0a00', 'hex');
const RETRY = { RetryInfo: { retryDelay: { seconds: LIMITS.retryAfterSeconds } } };
const DONE = { accepted: 1, rejected: 0, message: null };

describe('what arrives', () => {
  test.each(['traces', 'logs'] as const)('%s reach ingest as protobuf, with their sender', async (signal) => {
    await start();
    expect(await client.export(signal, BODY, 'tenant-7-write')).toMatchObject({ code: 0, responseBytes: 0 });
    expect(server.recorded).toEqual([
      { signal, body: BODY, encoding: 'protobuf', principal: { kind: 'tenant', tenantId: 7 } },
    ]);
    await expect.poll(() => server.answers).toEqual([`${signal} OK`]);
  });

  test('metrics are answered with a warning and nothing rejected', async () => {
    await start();
    const { code, partialSuccess } = await client.export('metrics', BODY, 'ingest-all');
    expect([code, partialSuccess]).toEqual([0, { message: '2 data points received; metrics are not kept yet' }]);
  });

  test('an empty message is an empty request', async () => {
    await start();
    expect((await client.export('traces', Buffer.alloc(0), 'ingest-all')).code).toBe(0);
    expect(server.recorded[0]?.body).toHaveLength(0);
  });

  test('gzip is undone, and a gzip that is none is refused for good', async () => {
    await start({}, { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip });
    const body = Buffer.alloc(300_000, 'spans ');
    expect((await client.export('traces', body, 'ingest-all')).code).toBe(0);
    expect(server.recorded[0]?.body.equals(body)).toBe(true);
    const { stream, refusal } = await raw('ingest-all', { 'grpc-encoding': 'gzip' });
    const frame = framed(Buffer.from('no gzip at all'));
    frame[0] = 1;
    stream.end(frame);
    // INTERNAL, which clients do not send again.
    expect(await refusal).toBe('13');
    expect(server.recorded).toHaveLength(1);
  });

  test('bytes that are no HTTP/2 harm nobody', async () => {
    await start();
    const response = await fetch(server.url).then(
      () => 'answered',
      () => 'closed',
    );
    expect(response).toBe('closed');
    expect((await client.export('traces', BODY, 'ingest-all')).code).toBe(0);
  });

  test('a method that OTLP does not have is UNIMPLEMENTED', async () => {
    await start();
    const path = '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export';
    const { refusal } = await raw('ingest-all', { ':path': path });
    expect(await refusal).toBe('12');
  });
});

describe('who may send', () => {
  test.each([
    [undefined, 16],
    ['nobody', 16],
    ['tenant-7-read', 7],
    ['admin-all', 7],
  ])('token %s is refused with code %i, before ingest', async (token, code) => {
    await start();
    const answer = await client.export('traces', BODY, token);
    expect([answer.code, answer.status?.code, answer.status?.details]).toEqual([code, code, {}]);
    expect(answer.message).toMatch(/token/i);
    expect(server.recorded).toEqual([]);
    expect(server.failures).toEqual([]);
  });

  test('a token that cannot be looked up is UNAVAILABLE with RetryInfo, and the operator hears of it', async () => {
    await start();
    const answer = await client.export('traces', BODY, 'database-down');
    expect([answer.code, answer.status?.details]).toEqual([14, RETRY]);
    expect(server.failures).toHaveLength(1);
  });

  test('without a valid token no message is read: its sender is held back by flow control', async () => {
    const known = deferred<null>();
    await start({ verifyToken: () => known.promise });
    const { session, stream, refusal, taken } = await raw('stranger');
    stream.write(framed(Buffer.alloc(8 * 1024 * 1024)));
    // The window of a stream is 64 KiB; a ping's answer comes after everything that the server has taken. Node 24 buffers up to 64 KiB
    // for a stream that nobody reads, and opens the window once more for them; Node 20 buffers less.
    await expect.poll(() => session.socket.bytesWritten).toBeGreaterThan(60_000);
    await taken();
    expect(session.socket.bytesWritten).toBeLessThan(160 * 1024);
    expect(server.budget.held()).toBe(0);
    known.settle(null);
    expect(await refusal).toBe('16');
    expect(server.recorded).toEqual([]);
  });
});

describe('how much', () => {
  const limits = { bodyBytes: 100_000 };

  test('a message over the limit is RESOURCE_EXHAUSTED without RetryInfo, one at the limit passes', async () => {
    await start({ limits });
    expect((await client.export('traces', Buffer.alloc(100_000), 'ingest-all')).code).toBe(0);
    expect(await client.export('traces', Buffer.alloc(100_001), 'ingest-all')).toMatchObject({ code: 8, status: null });
    expect(server.recorded).toHaveLength(1);
    await expect.poll(() => server.answers).toEqual(['traces OK', 'traces other']);
    expect(server.budget.held()).toBe(0);
  });

  test('a small message that inflates beyond the limit is refused the same way', async () => {
    await start({ limits }, { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip });
    const bomb = Buffer.alloc(20_000_000);
    expect(gzipSync(bomb).length).toBeLessThan(limits.bodyBytes);
    expect(await client.export('traces', bomb, 'ingest-all')).toMatchObject({ code: 8, status: null });
    expect(server.recorded).toEqual([]);
    await expect.poll(() => server.budget.held()).toBe(0);
  });

  test('bodies share one budget: what does not fit is UNAVAILABLE, and fits again later', async () => {
    await start({ inFlightBytes: 150_000 });
    const busy = deferred<typeof DONE>();
    server.answer = () => busy.promise;
    const first = client.export('traces', Buffer.alloc(100_000), 'ingest-all');
    await expect.poll(() => server.budget.held()).toBe(100_000);
    const second = await client.export('traces', Buffer.alloc(100_000), 'ingest-all');
    expect([second.code, second.status?.details]).toEqual([14, RETRY]);
    busy.settle(DONE);
    expect((await first).code).toBe(0);
    expect((await client.export('traces', Buffer.alloc(100_000), 'ingest-all')).code).toBe(0);
    expect(server.budget.held()).toBe(0);
  });

  test('messages are received by turns, and one that never ends loses its turn', async () => {
    await start({ limits: { messagesAtOnce: 1, receiveMs: 300 } });
    const { stream, refusal, taken } = await raw('ingest-all');
    stream.write(framed(Buffer.alloc(1_000)).subarray(0, 500));
    await taken();
    const others = [1, 2, 3].map(() => client.export('traces', BODY, 'ingest-all'));
    // DEADLINE_EXCEEDED
    expect(await refusal).toBe('4');
    for (const { code } of await Promise.all(others)) expect(code).toBe(0);
    await expect
      .poll(() => server.answers)
      .toEqual(['traces DEADLINE_EXCEEDED', 'traces OK', 'traces OK', 'traces OK']);
  });

  test('senders that leave while they wait or send free their place', async () => {
    await start({ limits: { messagesAtOnce: 1, callsWaiting: 1 } });
    const sending = await raw('ingest-all');
    sending.stream.write(framed(Buffer.alloc(1_000)).subarray(0, 500));
    await sending.taken();
    const waiting = await raw('ingest-all');
    waiting.stream.write(framed(BODY));
    await waiting.taken();
    const third = await client.export('traces', BODY, 'ingest-all');
    expect([third.code, third.status?.details]).toEqual([14, RETRY]);
    waiting.session.destroy();
    await expect.poll(() => server.answers).toEqual(['traces UNAVAILABLE', 'traces other']);
    sending.session.destroy();
    expect((await client.export('traces', BODY, 'ingest-all')).code).toBe(0);
    expect(server.budget.held()).toBe(0);
  });

  test('a sender that leaves while its message is stored keeps its bytes until that is done', async () => {
    await start();
    const busy = deferred<typeof DONE>();
    server.answer = () => busy.promise;
    const { session, stream } = await raw('ingest-all');
    stream.end(framed(Buffer.alloc(5_000)));
    await expect.poll(() => server.recorded.length).toBe(1);
    session.destroy();
    await expect.poll(() => server.answers).toEqual(['traces other']);
    expect(server.budget.held()).toBe(5_000);
    busy.settle(DONE);
    await expect.poll(() => server.budget.held()).toBe(0);
  });
});

describe('what a failure says', () => {
  test('a body that is no message is INVALID_ARGUMENT with BadRequest', async () => {
    await start();
    server.answer = () => {
      throw new DecodeError('resourceSpans[0]: broken – at “x” 100 %\n');
    };
    const { code, message, status } = await client.export('traces', BODY, 'ingest-all');
    expect([code, message]).toEqual([3, 'resourceSpans[0]: broken – at “x” 100 %\n']);
    expect(status).toEqual({
      code: 3,
      message,
      details: { BadRequest: { fieldViolations: [{ field: 'body', description: message }] } },
    });
  });

  test('a fault of ours is UNAVAILABLE with RetryInfo, and nothing of it reaches the sender', async () => {
    await start();
    server.answer = () => Promise.reject(new Error('password=hunter2'));
    const answer = await client.export('logs', BODY, 'ingest-all');
    expect([answer.code, answer.status?.details]).toEqual([14, RETRY]);
    expect(JSON.stringify(answer)).not.toContain('hunter2');
    expect(server.failures).toHaveLength(1);
    expect(server.budget.held()).toBe(0);
  });

  test('a very long text is cut, so that the answer fits into headers', async () => {
    await start();
    server.answer = () => {
      throw new DecodeError('ü\u{1f600}'.repeat(2_000));
    };
    const { code, message } = await client.export('traces', BODY, 'ingest-all');
    expect(code).toBe(3);
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(512);
    expect(message).toMatch(/^(ü\u{1f600})+ü?$/u);
  });

  test('partial success names how many and why', async () => {
    await start();
    server.answer = () => ({ accepted: 1, rejected: 2, message: '2 invalid_ids: a trace id has 32 hex digits' });
    const { code, partialSuccess } = await client.export('traces', BODY, 'ingest-all');
    expect(code).toBe(0);
    expect(partialSuccess).toEqual({ rejected: 2, message: '2 invalid_ids: a trace id has 32 hex digits' });
  });
});
