/** The protocol layer over real sockets: what each request is answered, in which encoding, and what reaches ingest. */

import { request as httpRequest } from 'node:http';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DecodeError } from '../../receiver/decode/shape.ts';
import { RequestError } from '../../receiver/errors.ts';
import { LIMITS } from '../../receiver/limits.ts';
import { readMessage } from '../helpers/otlp_messages.ts';
import { startOtlpServer, type TestServer } from '../helpers/otlp_server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startOtlpServer();
});
afterAll(() => server.close());
beforeEach(() => {
  server.recorded.length = 0;
  server.failures.length = 0;
  server.draining = false;
  server.answer = () => ({ accepted: 1, rejected: 0, message: null });
});

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

const JSON_TYPE = { 'Content-Type': 'application/json' };
const PROTOBUF_TYPE = { 'Content-Type': 'application/x-protobuf' };

function send(path: string, body: Buffer | string, headers: Record<string, string> = {}, method = 'POST') {
  return new Promise<Answer>((resolve, reject) => {
    const request = httpRequest(
      {
        port: server.port,
        host: '127.0.0.1',
        path,
        method,
        headers: { Authorization: 'Bearer ingest-all', ...headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    request.on('error', reject);
    request.end(method === 'POST' || body.length > 0 ? body : undefined);
  });
}

const json = (answer: Answer): unknown => JSON.parse(answer.body.toString());

describe('success', () => {
  test('full success leaves partial_success unset in both encodings', async () => {
    const asJson = await send('/v1/traces', '{}', JSON_TYPE);
    expect([asJson.status, asJson.body.toString(), asJson.headers['content-type']]).toEqual([
      200,
      '{}',
      'application/json',
    ]);
    const asProtobuf = await send('/v1/traces', Buffer.from([1, 2]), PROTOBUF_TYPE);
    expect([asProtobuf.status, asProtobuf.body.length]).toEqual([200, 0]);
    expect(asProtobuf.headers['content-type']).toBe('application/x-protobuf');
  });

  test('an empty body is a request without spans', async () => {
    expect((await send('/v1/traces', '', PROTOBUF_TYPE)).status).toBe(200);
    expect((await send('/v1/logs', '', { ...PROTOBUF_TYPE, 'Content-Encoding': 'gzip' })).status).toBe(200);
    expect(server.recorded.map(({ signal, body }) => [signal, body.length])).toEqual([
      ['traces', 0],
      ['logs', 0],
    ]);
  });

  test('rejected spans are counted under the signal’s own name', async () => {
    server.answer = () => ({ accepted: 1, rejected: 3, message: '3 spans refused: too_old' });
    const traces = await send('/v1/traces', '{}', JSON_TYPE);
    expect(json(traces)).toEqual({ partialSuccess: { rejectedSpans: '3', errorMessage: '3 spans refused: too_old' } });
    const logs = await send('/v1/logs', '{}', JSON_TYPE);
    expect(json(logs)).toMatchObject({ partialSuccess: { rejectedLogRecords: '3' } });
    const binary = await send('/v1/traces', '', PROTOBUF_TYPE);
    expect(readMessage('ExportResponse', binary.body)).toEqual({
      partial_success: { rejected: '3', error_message: '3 spans refused: too_old' },
    });
  });

  test('metrics are answered with a warning and nothing rejected', async () => {
    const answer = await send('/v1/metrics', Buffer.alloc(4), PROTOBUF_TYPE);
    expect(answer.status).toBe(200);
    expect(readMessage('ExportResponse', answer.body)).toEqual({
      partial_success: { error_message: '4 data points received; metrics are not kept yet' },
    });
    expect((await send('/v1/metrics', '', PROTOBUF_TYPE)).body.length).toBe(0);
  });

  test('media type parameters and letter case do not matter', async () => {
    for (const type of [
      'application/json; charset=utf-8',
      'Application/JSON',
      'application/x-protobuf;a=b',
      ' application/json ;',
    ]) {
      expect((await send('/v1/traces', '', { 'Content-Type': type })).status, type).toBe(200);
    }
  });

  test('the body reaches ingest byte for byte through every coding', async () => {
    const body = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * index) % 251));
    await send('/v1/traces', body, PROTOBUF_TYPE);
    await send('/v1/traces', gzipSync(body), { ...PROTOBUF_TYPE, 'Content-Encoding': 'gzip' });
    await send('/v1/traces', deflateSync(body), { ...PROTOBUF_TYPE, 'Content-Encoding': 'deflate' });
    const members = Buffer.concat([gzipSync(body.subarray(0, 7)), gzipSync(body.subarray(7))]);
    await send('/v1/traces', members, { ...PROTOBUF_TYPE, 'Content-Encoding': 'gzip' });
    await send('/v1/traces', body, { ...PROTOBUF_TYPE, 'Content-Encoding': 'identity' });
    expect(server.recorded.map((one) => one.body.equals(body))).toEqual([true, true, true, true, true]);
    expect(server.budget.held()).toBe(0);
  });
});

describe('who may send', () => {
  test.each([
    ['Bearer tenant-7-write', 200, { kind: 'tenant', tenantId: 7 }],
    ['bearer   ingest-all', 200, { kind: 'ingest' }],
    ['Bearer tenant-7-read', 403, null],
    ['Bearer admin-all', 403, null],
    ['Bearer nobody-knows', 401, null],
    ['Bearer ', 401, null],
    ['Basic aW5nZXN0LWFsbA==', 401, null],
    ['ingest-all', 401, null],
    [`Bearer ${'x'.repeat(513)}`, 401, null],
    ['Bearer database-down', 503, null],
  ])('%s is answered %i', async (authorization, status, principal) => {
    const answer = await send('/v1/traces', '{}', { ...JSON_TYPE, Authorization: authorization });
    expect(answer.status).toBe(status);
    expect(server.recorded.map((one) => one.principal)).toEqual(principal === null ? [] : [principal]);
    if (status === 401) expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    if (status === 503) expect(answer.headers['retry-after']).toBe('1');
  });

  test('a failing token lookup is reported once, without the token', async () => {
    await send('/v1/traces', '{}', { ...JSON_TYPE, Authorization: 'Bearer database-down' });
    expect(server.failures.length).toBe(1);
    expect(server.failures[0]?.message).not.toContain('database-down');
  });
});

describe('failures carry google.rpc.Status in the request’s encoding', () => {
  test.each([
    ['bad body', () => Promise.reject(new DecodeError('truncated at byte 3')), 400, 3],
    ['too many', () => Promise.reject(new RequestError('too_many_requests')), 429, 8],
    ['database away', () => Promise.reject(new RequestError('unavailable')), 503, 14],
    ['a bug', () => Promise.reject(new TypeError('secret payload')), 503, 14],
  ])('%s', async (_name, answer, status, code) => {
    server.answer = answer;
    const asJson = await send('/v1/traces', '{}', JSON_TYPE);
    expect([asJson.status, asJson.headers['content-type']]).toEqual([status, 'application/json']);
    expect(json(asJson)).toMatchObject({ code });
    const asProtobuf = await send('/v1/traces', '', PROTOBUF_TYPE);
    expect([asProtobuf.status, asProtobuf.headers['content-type']]).toEqual([status, 'application/x-protobuf']);
    expect(readMessage('Status', asProtobuf.body)).toMatchObject({ code });
    expect(asJson.headers['retry-after']).toBe(status === 400 ? undefined : '1');
    expect(asJson.body.toString() + asProtobuf.body.toString()).not.toContain('secret payload');
  });

  test('a bad body names what to fix in BadRequest details', async () => {
    server.answer = () => Promise.reject(new DecodeError('truncated at byte 3'));
    const answer = await send('/v1/traces', '', PROTOBUF_TYPE);
    const { details } = readMessage('Status', answer.body) as { details: { type_url: string; value: Uint8Array }[] };
    expect(details[0]?.type_url).toBe('type.googleapis.com/google.rpc.BadRequest');
    expect(readMessage('BadRequest', details[0]?.value ?? Buffer.alloc(0))).toEqual({
      field_violations: [{ field: 'body', description: 'truncated at byte 3' }],
    });
  });

  test('a failure of ours is reported once; the sender’s own mistakes are not', async () => {
    server.answer = () => Promise.reject(new TypeError('boom'));
    await send('/v1/traces', '{}', JSON_TYPE);
    expect(server.failures.map((one) => (one.cause as Error).message)).toEqual(['boom']);
    server.answer = () => Promise.reject(new DecodeError('no JSON'));
    await send('/v1/traces', '{}', JSON_TYPE);
    expect(server.failures.length).toBe(1);
  });

  test.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('%s is 405 and names the allowed method', async (method) => {
    const answer = await send('/v1/traces', '', PROTOBUF_TYPE, method);
    expect([answer.status, answer.headers.allow]).toEqual([405, 'POST']);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(readMessage('Status', answer.body)).toMatchObject({ code: 12 });
  });

  test('HEAD is 405 without a body', async () => {
    const answer = await send('/v1/traces', '', {}, 'HEAD');
    expect([answer.status, answer.body.length]).toEqual([405, 0]);
  });

  test.each(['/', '/v1/profiles', '/v1/tracesx', '/v1/traces/more', '/v1/%ff', '//v1/traces'])(
    '%s is 404',
    async (path) => {
      const answer = await send(path, '{}', JSON_TYPE);
      expect(answer.status).toBe(404);
      expect(json(answer)).toMatchObject({ code: 5 });
      expect(answer.headers['x-powered-by']).toBeUndefined();
    },
  );

  test.each(['text/plain', '', 'application/xml', 'application/jsonx', 'application/octet-stream'])(
    'media type "%s" is 415 with a JSON Status',
    async (type) => {
      const answer = await send('/v1/traces', '{}', type === '' ? {} : { 'Content-Type': type });
      expect([answer.status, answer.headers['content-type']]).toEqual([415, 'application/json']);
      expect(json(answer)).toMatchObject({ code: 3 });
    },
  );

  test.each(['br', 'zstd', 'gzip, gzip', 'snappy', 'lz4'])(
    'content coding %s is 415 and says what is understood',
    async (coding) => {
      const answer = await send('/v1/traces', 'x', { ...PROTOBUF_TYPE, 'Content-Encoding': coding });
      expect([answer.status, answer.headers['accept-encoding']]).toEqual([415, 'gzip, deflate, identity']);
      expect(readMessage('Status', answer.body)).toMatchObject({ code: 3 });
      expect(server.recorded).toEqual([]);
    },
  );

  const plainText = Buffer.from('no gzip at all, whatever the header says');
  const cut = gzipSync(Buffer.alloc(100_000, 'abcdefgh')).subarray(0, -12);
  const trailing = Buffer.concat([gzipSync('{}'), plainText]);
  const farTrailing = Buffer.concat([gzipSync('{}'), Buffer.alloc(3_000_000, 'x')]);
  const zeros = Buffer.concat([gzipSync('{}'), Buffer.alloc(10)]);
  const brokenMember = Buffer.concat([gzipSync('{}'), gzipSync('{}').subarray(0, 12)]);
  test.each([
    ['not gzip', plainText],
    ['cut short', cut],
    ['garbage behind it', trailing],
    ['megabytes of garbage behind it', farTrailing],
    ['zeros behind it', zeros],
    ['a second member cut short', brokenMember],
  ])('gzip that is %s is 400 and holds nothing', async (_name, body) => {
    const answer = await send('/v1/traces', body, { ...JSON_TYPE, 'Content-Encoding': 'gzip' });
    expect(answer.status).toBe(400);
    expect(json(answer)).toMatchObject({ code: 3 });
    expect(server.recorded).toEqual([]);
    expect(server.budget.held()).toBe(0);
  });

  test('while draining, new requests are 503 and the connection closes', async () => {
    server.draining = true;
    const answer = await send('/v1/traces', '{}', JSON_TYPE);
    expect([answer.status, answer.headers.connection, answer.headers['retry-after']]).toEqual([503, 'close', '1']);
  });
});

describe('sizes', () => {
  test('exactly the limit is taken, one byte more is 413', async () => {
    const body = Buffer.alloc(LIMITS.bodyBytes, 'a');
    expect((await send('/v1/traces', body, PROTOBUF_TYPE)).status).toBe(200);
    expect(server.recorded[0]?.body.length).toBe(LIMITS.bodyBytes);
    const answer = await send('/v1/traces', Buffer.alloc(LIMITS.bodyBytes + 1, 'a'), PROTOBUF_TYPE);
    expect(answer.status).toBe(413);
    expect(readMessage('Status', answer.body)).toMatchObject({ code: 8 });
    expect(server.recorded.length).toBe(1);
  });

  test('a bomb is stopped while it inflates', async () => {
    const bomb = gzipSync(Buffer.alloc(LIMITS.bodyBytes + 1));
    const answer = await send('/v1/traces', bomb, { ...JSON_TYPE, 'Content-Encoding': 'gzip' });
    expect(answer.status).toBe(413);
    const fits = gzipSync(Buffer.alloc(LIMITS.bodyBytes));
    expect((await send('/v1/traces', fits, { ...JSON_TYPE, 'Content-Encoding': 'gzip' })).status).toBe(200);
    expect(server.recorded.map((one) => one.body.length)).toEqual([LIMITS.bodyBytes]);
    expect(server.budget.held()).toBe(0);
  });
});

test('every answer is counted by signal and status', async () => {
  server.answers.length = 0;
  await send('/v1/logs', '{}', JSON_TYPE);
  await send('/v1/traces', '{}', { ...JSON_TYPE, Authorization: 'none' });
  await send('/favicon.ico', '', {}, 'GET');
  expect(server.answers).toEqual([
    { signal: 'logs', status: 200 },
    { signal: 'traces', status: 401 },
    { signal: 'other', status: 404 },
  ]);
});
