/**
 * Requests that nobody should send: real and made bodies with bytes and words changed, in both encodings, compressed and not, with headers that
 * do not fit; and some with good spans between bad ones. Seeded, so that a failure can be sent again.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { type Agent, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Encoding } from '../../receiver/decode/shape.ts';
import { INGEST_TOKEN } from './fault_receiver.ts';
import { logBody, logRecord, requestWith, span, text, traceBody } from './otlp.ts';
import { cutRequests, type Random, randomSpans } from './random_spans.ts';

export interface FuzzRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

const ALLOWED = new Set([200, 400, 401, 403, 404, 405, 408, 413, 415, 429, 431]);
const FIXTURES = fileURLToPath(new URL('../fixtures/otlp', import.meta.url));
const MEDIA = { protobuf: 'application/x-protobuf', json: 'application/json' } as const;

interface Sample {
  body: Buffer;
  encoding: Encoding;
  signal: 'traces' | 'logs' | 'metrics';
}

/** The kept payloads of other projects, and requests of our own with everything in them. */
export function readSamples(random: Random): Sample[] {
  const files = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' }).map((name) => join(FIXTURES, name));
  const kept = files.flatMap((path): Sample[] => {
    const encoding = path.endsWith('.json') ? 'json' : path.endsWith('.pb') ? 'protobuf' : null;
    if (encoding === null) return [];
    const signal = /metric/.test(path) ? 'metrics' : /log/.test(path.slice(FIXTURES.length)) ? 'logs' : 'traces';
    const body = readFileSync(path);
    // Some are what an exporter was given and not what it sent.
    if (encoding === 'json' && !/"resource(Spans|Logs|Metrics)"/.test(body.toString())) return [];
    return [{ body, encoding, signal }];
  });
  const own = (['protobuf', 'json'] as const).flatMap((encoding): Sample[] => {
    const sets = Array.from({ length: 5 }, () => randomSpans(random, Date.now() * 1000));
    const models = [
      ...sets.flatMap((spans) => cutRequests(random, spans, 8)),
      requestWith(span(), span({ attributes: [text('tenant.id', '901'), text('run.id', 'r')] })),
    ];
    const logs = logBody(requestWith(logRecord(), logRecord({ eventName: 'e', traceId: 'ab'.repeat(16) })), encoding);
    return [
      ...models.map((model): Sample => ({ body: Buffer.from(traceBody(model, encoding)), encoding, signal: 'traces' })),
      { body: Buffer.from(logs), encoding, signal: 'logs' },
    ];
  });
  // Small ones, because a mutation in a large body says nothing more and takes its time.
  return [...kept, ...own].filter(({ body }) => body.length < 20_000);
}

const WORDS = [
  '"\\u0000"',
  '"\\ud800"',
  '-1',
  '1e400',
  '9223372036854775808',
  '18446744073709551615',
  '1e3',
  '""',
  'null',
  '{}',
  '[]',
  'NaN',
  '"__proto__"',
  '{"length":800000000}',
  '" 12 "',
  '"0x10"',
  'true',
  '[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]',
];
const BYTES = [0x00, 0x01, 0x0a, 0x12, 0x22, 0x7f, 0x80, 0xff];

export function mutate(random: Random, { body, encoding }: Sample, other: Sample): Buffer {
  let bytes: Buffer = Buffer.from(body);
  for (let i = random.pick([1, 1, 1, 2, 4]); i > 0; i--) bytes = mutateOnce(random, bytes, encoding, other.body);
  return bytes.subarray(0, 100_000);
}

function mutateOnce(random: Random, bytes: Buffer, encoding: Encoding, other: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + random.below(40));
  const piece = (...parts: Uint8Array[]) => Buffer.concat([bytes.subarray(0, at), ...parts, bytes.subarray(to)]);
  // Changes that leave the framing whole reach deeper, so they are the most frequent.
  switch (
    random.pick(
      encoding === 'json'
        ? [0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8, 8, 8, 8, 8]
        : [0, 0, 0, 0, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7],
    )
  ) {
    case 0:
      if (bytes.length > 0) bytes[at % bytes.length] = random.below(256);
      return bytes;
    case 1:
      if (bytes.length > 0) bytes[at % bytes.length] = random.pick(BYTES);
      return bytes;
    case 2:
      return bytes.subarray(0, at);
    case 3:
      return piece();
    case 4:
      return piece(bytes.subarray(at, to), bytes.subarray(at, to));
    case 5:
      return piece(Buffer.from(Array.from({ length: random.below(12) }, () => random.below(256))));
    case 6:
      // A length or a number that is as long as it may be, and longer.
      return piece(Buffer.alloc(1 + random.below(12), 0xff), Buffer.from([random.below(128)]));
    case 7:
      return piece(other.subarray(random.below(other.length + 1)).subarray(0, 400));
    default: {
      const json = bytes.toString('latin1');
      const values = [...json.matchAll(/"[^"]*"|-?\d+(\.\d+)?/g)];
      const hit = values.length === 0 ? undefined : random.pick(values);
      if (hit?.index === undefined) return bytes;
      const word = random.pick(WORDS);
      return Buffer.from(json.slice(0, hit.index) + word + json.slice(hit.index + hit[0].length), 'latin1');
    }
  }
}

export function fuzzRequest(random: Random, samples: readonly Sample[]): FuzzRequest {
  const sample = random.pick(samples);
  const noise = () => Buffer.from(Array.from({ length: random.below(300) }, () => random.below(256)));
  const body = random.chance(0.1) ? noise() : mutate(random, sample, random.pick(samples));
  const request: FuzzRequest = {
    method: 'POST',
    path: `/v1/${random.chance(0.9) ? sample.signal : random.pick(['traces', 'logs', 'metrics'])}`,
    headers: { Authorization: `Bearer ${INGEST_TOKEN}`, 'Content-Type': MEDIA[sample.encoding] },
    body,
  };
  if (random.chance(0.2)) compress(random, request);
  if (random.chance(0.1)) misdirect(random, request);
  return request;
}

function compress(random: Random, request: FuzzRequest): void {
  request.headers['Content-Encoding'] = random.pick([
    'gzip',
    'gzip',
    'gzip',
    'x-gzip',
    'GZIP',
    'deflate',
    'br',
    'gzip, gzip',
    '',
  ]);
  const zipped = gzipSync(random.chance(0.02) ? Buffer.alloc(4_000_000) : request.body, { level: 1 });
  request.body = random.pick([
    zipped,
    zipped,
    zipped.subarray(0, random.below(zipped.length)),
    Buffer.concat([zipped, zipped]),
    Buffer.concat([zipped, Buffer.from('trailing')]),
    request.body,
  ]);
}

function misdirect(random: Random, request: FuzzRequest): void {
  const { headers } = request;
  switch (random.below(6)) {
    case 0:
      headers['Content-Type'] = random.pick([
        MEDIA.json,
        MEDIA.protobuf,
        'application/json; charset=utf-8',
        'application/json;charset=utf-16',
        'text/plain',
        '',
        'application/protobuf',
        ';;;',
      ]);
      break;
    case 1:
      headers.Authorization = random.pick([
        '',
        'Bearer',
        'Bearer x',
        'Basic eDp5',
        `Bearer ${INGEST_TOKEN}x`,
        `bearer  ${INGEST_TOKEN}`,
        'x'.repeat(5_000),
      ]);
      break;
    case 2:
      request.method = random.pick(['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']);
      break;
    case 3:
      request.path = random.pick([
        '/',
        '/v1',
        '/v1/traces/',
        '/v1/traces/../logs',
        '/v1/trace%73',
        '/%',
        '/v1/traces?x=%',
        '/V1/TRACES',
        '/v1/%00',
        '//v1/traces',
      ]);
      break;
    case 4:
      headers[`x-${'y'.repeat(random.below(200))}`] = 'z'.repeat(random.below(20_000));
      break;
    default:
      headers.Expect = random.pick(['100-continue', 'nothing']);
  }
}

/** @returns what is wrong with the answer, or null. */
export function judge(status: number): string | null {
  return ALLOWED.has(status) ? null : `status ${status}`;
}

/** The status; 0 when the connection ended without an answer. */
export function sendFuzz({ port, agent }: { port: number; agent: Agent }, fuzz: FuzzRequest): Promise<number> {
  return new Promise((resolve) => {
    const outgoing = request(
      {
        port,
        host: '127.0.0.1',
        agent,
        method: fuzz.method,
        path: fuzz.path,
        timeout: 15_000,
        headers: { ...fuzz.headers, 'Content-Length': String(fuzz.body.length) },
      },
      (incoming) => {
        incoming.resume();
        incoming.once('error', () => resolve(0)).once('end', () => resolve(incoming.statusCode ?? 0));
      },
    );
    outgoing.once('timeout', () => outgoing.destroy(new Error('timeout')));
    outgoing.once('error', () => resolve(0));
    outgoing.end(fuzz.body);
  });
}

const RAW_HEADS = [
  'GET / HTTP/9.9\r\n\r\n',
  'POST /v1/traces HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde',
  'POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
  'POST /v1/traces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'POST /v1/traces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n',
  '\0\0\0\0\r\n\r\n',
  'POST /v1/traces HTTP/1.1\r\nbad header\r\n\r\n',
];

/** What is no HTTP at all, or hangs up in the middle. @returns the status that came, or 0. */
export function sendRaw(random: Random, port: number): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    const done = () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0));
    socket.setTimeout(2_000, () => socket.destroy());
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      socket.end();
    });
    socket.once('error', done).once('close', done);
    const head = random.pick(RAW_HEADS);
    socket.write(head.slice(0, random.chance(0.7) ? head.length : random.below(head.length)));
    if (random.chance(0.3)) setTimeout(() => socket.resetAndDestroy(), random.below(20));
    else if (random.chance(0.5)) socket.end();
  });
}
