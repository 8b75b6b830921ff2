import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SpanKind, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { decodeTraces } from '../../receiver/decode/decode.ts';
import { createMapper } from '../../receiver/map/map.ts';
import type { EventRow } from '../../receiver/map/row.ts';
import type { Snapshot, Vendor } from '../../receiver/map/snapshot.ts';
import { fallback, item, logEvent, retry, run, type SetupHandle, setup, stage, vendorCall } from '../../sdk/index.ts';
import { forgetSetup } from '../../sdk/setup.ts';

/** What the SDK sends over the wire, as the receiver reads it: decode and map with nothing in between. */
const rows: EventRow[] = [];
const refused: string[] = [];
let telemetry: SetupHandle;
const vendor = (name: string): Vendor => ({ name, countHttp: false });
const snapshot: Snapshot = {
  tenantIdByName: new Map(),
  activeTenantIds: new Set([7, 8]),
  disabledTenantIds: new Set(),
  vendorByAlias: new Map([
    ['openai', vendor('openai')],
    ['azure.ai.openai', vendor('azure_openai')],
  ]),
  vendorByHost: new Map(),
  prices: [],
  linkHosts: new Set(),
  attributeAliases: new Map(),
  privacyKey: new Uint8Array(32),
  retentionFloorUs: 0,
};
const mapper = createMapper(snapshot);
const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    for (const chunk of decodeTraces(Buffer.concat(parts), 'protobuf')) {
      const mapped = mapper.spans(chunk, { kind: 'ingest' }, Date.now() * 1_000);
      rows.push(...mapped.rows);
      refused.push(...mapped.refusals.map((refusal) => refusal.message));
    }
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
});

const tryHttp = (status: number) =>
  trace
    .getTracer('http')
    .startSpan('GET', {
      kind: SpanKind.CLIENT,
      attributes: { 'http.request.method': 'GET', 'http.response.status_code': status },
    })
    .end();

function nightly() {
  stage('mv_refresh', () => undefined);
  stage('select_targets', (it) => it.count({ total: 30, success: 28 }));
  stage('crawl', () => {
    for (let id = 0; id < 250; id++) {
      item(id, { bucket: 'High' }, (it) => {
        if (id % 10 === 0) return it.skip('robots');
        if (id % 10 === 1) return it.fail('DNS');
        vendorCall('openai', () => {
          tryHttp(429);
          tryHttp(429);
          tryHttp(200);
          trace
            .getTracer('genai')
            .startSpan('chat', {
              attributes: {
                'gen_ai.operation.name': 'chat',
                'gen_ai.provider.name': 'azure.ai.openai',
                'gen_ai.usage.input_tokens': 10,
              },
            })
            .end();
          vendorCall('OpenAI', (call) => call.usage({ tokensOutput: 2 }));
        });
        return undefined;
      });
      retry('again');
      fallback();
      logEvent('seen');
    }
  });
}

beforeAll(async () => {
  forgetSetup();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', '');
  telemetry = setup({ exitHooks: false });
  run({ tenant: 7, pipeline: 'nightly', id: 42 }, nightly);
  run({ tenant: 8, pipeline: 'nightly' }, nightly);
  await telemetry.forceFlush();
});
afterAll(async () => {
  await telemetry.shutdown();
  await new Promise((resolve) => server.close(resolve));
  vi.unstubAllEnvs();
});

const of = (tenantId: number, kind: string) =>
  rows.filter((row) => row.tenantId === tenantId && row.kind === kind && row.seq === 1);
const sum = (
  list: EventRow[],
  field: 'unitsTotal' | 'unitsSuccess' | 'unitsError' | 'calls' | 'errors' | 'rateLimitHits',
) => list.reduce((total, row) => total + row[field], 0);
const key = (row: EventRow) => `${row.tenantId}/${row.tsUs}/${row.spanId}/${row.seq}`;

test('nothing is refused, and every row names its tenant and run', () => {
  expect(refused).toEqual([]);
  for (const row of rows) expect(row.run).not.toBeNull();
  expect(new Set(rows.filter((row) => row.tenantId === 7).map((row) => JSON.stringify(row.run)))).toEqual(
    new Set([JSON.stringify({ id: 42 })]),
  );
  expect(new Set(rows.filter((row) => row.tenantId === 8).map((row) => JSON.stringify(row.run))).size).toBe(1);
});

test("the run's statement equals the rows that the receiver makes of it", () => {
  for (const tenantId of [7, 8]) {
    expect(of(tenantId, 'run').map((row) => row.metrics?.sent)).toEqual([
      {
        stages: of(tenantId, 'stage').length,
        items: of(tenantId, 'item').length,
        vendor_calls: of(tenantId, 'vendor_call').length,
        dropped: 0,
      },
    ]);
  }
});

test('start markers and their spans make the same single row', () => {
  const starts = rows.filter((row) => row.seq === 0);
  expect(starts).toHaveLength(16);
  expect(new Set(starts.map(key)).size).toBe(8);
});

test('units come from items, bulk numbers or the stage itself, once each', () => {
  const units = (name: string) => {
    const list = rows.filter((row) => row.tenantId === 7 && row.stage === name && row.kind !== 'event');
    return [sum(list, 'unitsTotal'), sum(list, 'unitsSuccess'), sum(list, 'unitsError')];
  };
  expect(units('mv_refresh')).toEqual([1, 1, 0]);
  expect(units('select_targets')).toEqual([30, 28, 2]);
  expect(units('crawl')).toEqual([250, 200, 25]);
});

test('one call with tries, a model span and an inner call is one call with two hits, their tokens, and its item', () => {
  const calls = of(7, 'vendor_call');
  expect(calls).toHaveLength(200);
  expect([sum(calls, 'calls'), sum(calls, 'errors'), sum(calls, 'rateLimitHits')]).toEqual([200, 0, 400]);
  for (const row of calls) {
    expect([row.vendor, row.tokensInput, row.tokensOutput, row.stage]).toEqual(['openai', 10, 2, 'crawl']);
    expect(row.companyId).not.toBeNull();
  }
});

test('every logged event is one row with a key of its own, and makes no unit', () => {
  const events = rows.filter((row) => row.tenantId === 7 && row.kind === 'event');
  expect(events).toHaveLength(750);
  expect(new Set(events.map(key)).size).toBe(750);
  expect(events.filter((row) => row.event === 'retry' && row.status === 'retry')).toHaveLength(250);
  expect(sum(events, 'unitsTotal')).toBe(0);
});

test('every name of ours on the wire has a column: none ends up among the leftovers', () => {
  for (const row of rows) expect(row.extra ?? '').not.toContain('runledger.');
});
