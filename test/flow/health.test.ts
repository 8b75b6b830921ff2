/** Health, readiness and metrics of a whole receiver, with the database there and away, and standard exporters at its door. */

import { SpanStatusCode } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { tracing } from '@opentelemetry/sdk-node';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { postTraces, runSpanJson, startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';

/** Its start and its end. */
const ROWS_OF_A_RUN = 2;

let database: TestDatabase;
let receiver: TestReceiver;
let superuser: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 2 });
  superuser.on('error', () => undefined);
  receiver = await startTestReceiver(database.databaseUrl);
});
afterAll(async () => {
  await receiver?.close();
  await superuser?.end();
  await database?.drop();
});

const get = (path: string) => fetch(`${receiver.urls.api}${path}`);
const ready = async () => {
  const response = await get('/readyz');
  return {
    status: response.status,
    body: (await response.json()) as { ready: boolean; checks: Record<string, string> },
  };
};
async function metric(name: string): Promise<number> {
  const text = await (await get('/metrics')).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return Number(line?.split(' ')[1] ?? Number.NaN);
}
const storedEvents = async (traceId: string) => {
  const { rows } = await superuser.query('select run_id, tenant_id, event from run_event_logs where trace_id = $1', [
    traceId,
  ]);
  return rows;
};

test('a healthy receiver is ready and says what it looked at', async () => {
  expect((await get('/healthz')).status).toBe(200);
  expect(await ready()).toEqual({
    status: 200,
    body: { ready: true, checks: { accepting: 'ok', database: 'ok', migrated: 'ok', walls: 'ok', queue: 'ok' } },
  });
});

test('an answer 200 means committed, and the counters say so', async () => {
  const before = await metric('runledger_receiver_accepted_spans_total');
  const response = await postTraces(receiver, runSpanJson(7, 'night-1', 0xabc));
  expect([response.status, await response.text()]).toEqual([200, '{}']);
  expect((await storedEvents('abc'.padStart(32, '0'))).length).toBe(ROWS_OF_A_RUN);
  expect(await metric('runledger_receiver_accepted_spans_total')).toBe(before + 1);
  expect(await metric('runledger_commit_duration_seconds_count')).toBeGreaterThan(0);
  expect(await metric('runledger_body_bytes_in_flight')).toBe(0);
});

test('a resend is accepted, stored once and counted as duplicate', async () => {
  const body = runSpanJson(7, 'night-2', 0xdef);
  const before = await metric('runledger_duplicate_rows_total');
  for (let round = 0; round < 3; round++) expect((await postTraces(receiver, body)).status).toBe(200);
  expect((await storedEvents('def'.padStart(32, '0'))).length).toBe(ROWS_OF_A_RUN);
  expect(await metric('runledger_duplicate_rows_total')).toBe(before + 2 * ROWS_OF_A_RUN);
});

test.each([
  ['JSON', JsonExporter],
  ['protobuf', ProtobufExporter],
])('the standard %s exporter, gzipped, is stored without a complaint', async (_name, Exporter) => {
  const exporter = new Exporter({
    url: `${receiver.urls.otlpHttp}/v1/traces`,
    headers: { Authorization: `Bearer ${receiver.ingestToken}` },
    compression: 'gzip' as never,
  });
  const provider = new tracing.BasicTracerProvider({ spanProcessors: [new tracing.SimpleSpanProcessor(exporter)] });
  const span = provider.getTracer('test').startSpan('nightly', {
    attributes: { 'runledger.kind': 'run', 'runledger.tenant.id': 7, 'runledger.run.id': `export-${_name}` },
  });
  span.setStatus({ code: SpanStatusCode.OK });
  span.end();
  await provider.forceFlush();
  await provider.shutdown();
  const { rows } = await superuser.query('select status from enrichment_runs where run_key = $1', [`export-${_name}`]);
  expect(rows).toEqual([{ status: 'succeeded' }]);
});

test('metrics sent by mistake are answered, refused spans are counted by reason', async () => {
  const headers = { Authorization: `Bearer ${receiver.ingestToken}`, 'Content-Type': 'application/json' };
  const response = await fetch(`${receiver.urls.otlpHttp}/v1/metrics`, { method: 'POST', headers, body: '{}' });
  expect([response.status, await response.text()]).toEqual([200, '{}']);
  const before = await metric('runledger_receiver_refused_spans_total{reason="invalid_ids"}');
  const good = JSON.parse(runSpanJson(7, 'night-3', 0x333));
  const spans = good.resourceSpans[0].scopeSpans[0].spans;
  spans.push({ ...spans[0], spanId: '12' });
  const partial = await (await postTraces(receiver, JSON.stringify(good))).json();
  expect(partial).toMatchObject({ partialSuccess: { rejectedSpans: '1' } });
  expect(await metric('runledger_receiver_refused_spans_total{reason="invalid_ids"}')).toBe(before + 1);
});

test('a database that goes away is 503 and not ready, the process lives, and all comes back by itself', async () => {
  const name = new URL(database.databaseUrl).pathname.slice(1);
  const admin = new pg.Client({ connectionString: database.superuserUrl.replace(`/${name}`, '/postgres') });
  await admin.connect();
  await admin.query(`alter database "${name}" allow_connections false`);
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
  const refused = await postTraces(receiver, runSpanJson(7, 'night-4', 0x444));
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await refused.json()).toMatchObject({ code: 14 });
  await expect.poll(async () => (await ready()).status, { timeout: 60_000 }).toBe(503);
  expect((await ready()).body.checks.database).toMatch(/^not reachable/);
  expect((await get('/healthz')).status).toBe(200);
  await admin.query(`alter database "${name}" allow_connections true`);
  await admin.end();
  await expect.poll(async () => (await ready()).status, { timeout: 60_000 }).toBe(200);
  const again = await postTraces(receiver, runSpanJson(7, 'night-4', 0x444));
  expect(again.status).toBe(200);
  expect((await storedEvents('444'.padStart(32, '0'))).length).toBe(ROWS_OF_A_RUN);
});

test('tables that disappear are told apart from a database that is away', async () => {
  await superuser.query('alter table runledger.refusals rename to refusals_away');
  await expect.poll(async () => (await ready()).body.checks.migrated, { timeout: 60_000 }).toMatch(/missing/);
  expect((await ready()).body.checks.database).toBe('ok');
  await superuser.query('alter table runledger.refusals_away rename to refusals');
  await expect.poll(async () => (await ready()).status, { timeout: 60_000 }).toBe(200);
});

test('a fallen wall makes the receiver not ready', async () => {
  await superuser.query('alter table enrichment_runs disable row level security');
  await expect.poll(async () => (await ready()).body.checks.walls, { timeout: 60_000 }).toContain('no tenant set');
  await superuser.query('alter table enrichment_runs enable row level security');
  await expect.poll(async () => (await ready()).status, { timeout: 60_000 }).toBe(200);
});

test('no log line holds a token or a password', () => {
  const text = JSON.stringify(receiver.logged);
  expect(receiver.logged.length).toBeGreaterThan(2);
  for (const secret of [receiver.ingestToken, receiver.adminToken]) expect(text).not.toContain(secret);
});
