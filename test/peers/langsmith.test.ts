/**
 * The way to LangSmith, as deploy/collector-langsmith.yaml adds it: what arrives at an endpoint in LangSmith's place has the path, the headers
 * and the prompts that LangSmith wants, and no secret; and when that endpoint is away, nobody else notices.
 */

import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeTraces } from '../../receiver/decode/decode.ts';
import { drain } from '../helpers/otlp.ts';
import { playNights, spansOf, untilArrived } from './nights.ts';
import { leaks, PROMPT_PART, plantedTrace, SECRET_PART, SENSITIVE, stringsOf, TRACE_ID } from './planted.ts';
import { until } from './program.ts';
import { LANGSMITH_FILE, openScene, type Scene } from './scene.ts';

const MINUTE_MS = 60_000;

interface Arrival {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

let scene: Scene;
let server: Server;
/** While away it takes nothing. */
let away = false;
let refusals = 0;
const arrivals: Arrival[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (away) {
        refusals++;
        return response.writeHead(503).end();
      }
      const { method = '', url: path = '', headers } = request;
      arrivals.push({ method, path, headers, body: Buffer.concat(chunks) });
      return response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scene = await openScene({
    collectorFiles: [LANGSMITH_FILE],
    environment: {
      LANGSMITH_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      LANGSMITH_API_KEY: 'key-of-the-workspace',
      LANGSMITH_PROJECT: 'nightly enrichment',
    },
  });
}, 2 * MINUTE_MS);

afterAll(async () => {
  await scene?.close();
  server?.closeAllConnections();
  server?.close();
}, MINUTE_MS);

/** Everything that arrived of one trace. */
function spansIn(traceId: string) {
  return arrivals
    .flatMap(({ body }) => drain(decodeTraces(gunzipSync(body), 'protobuf')).records)
    .filter(({ record }) => record.traceId === traceId);
}

test(
  'LangSmith gets OTLP under its own path with its own headers, prompts kept, secrets and addresses masked',
  async () => {
    const planted = plantedTrace();
    const response = await fetch(`${scene.collector.httpUrl}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: planted.body,
    });
    expect(response.status).toBe(200);
    await until('the planted trace has arrived', MINUTE_MS, async () => spansIn(TRACE_ID).length === planted.spans);
    for (const { method, path, headers } of arrivals) {
      expect([method, path]).toEqual(['POST', '/otel/v1/traces']);
      expect(headers).toMatchObject({
        'x-api-key': 'key-of-the-workspace',
        'langsmith-project': 'nightly enrichment',
        'content-type': 'application/x-protobuf',
        'content-encoding': 'gzip',
      });
      // The ledger's token is nobody else's business.
      expect(headers.authorization).toBeUndefined();
    }
    const spans = spansIn(TRACE_ID);
    // Links come without their attributes out of this decoder; docs/security.md says what the Collector leaves in them.
    const strings = stringsOf(
      spans.map(({ resource, scope, record }) => JSON.parse(jsonOf({ resource, scope, record }))),
    );
    expect(strings.filter((found) => found.includes(PROMPT_PART)).length).toBeGreaterThan(20);
    expect(leaks(strings, [...SENSITIVE.map(([, part]) => part), SECRET_PART])).toEqual([]);
  },
  2 * MINUTE_MS,
);

test(
  'with LangSmith away the ledger and Jaeger have everything; back again, it gets each run without signs of life',
  async () => {
    away = true;
    const played = await playNights(scene, 1, 20);
    const arrived = await untilArrived(scene, played);
    expect(arrived.comparison.differences).toEqual([]);
    await until('LangSmith was tried', MINUTE_MS, async () => refusals > 0);
    away = false;
    const ids = arrived.view.pages.map(({ run }) => run.trace_id ?? '');
    const expected = played.runs.map(spansOf);
    await until('LangSmith has all spans', 2 * MINUTE_MS, async () =>
      ids.every((id, index) => spansIn(id).length === expected[index]),
    );
  },
  4 * MINUTE_MS,
);

/** Bytes and bigints as text. */
function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
}
