/** The whole receiver over gRPC: what is answered OK is in the ledger, once, under its own tenant, and the database may come and go. */

import { compressionAlgorithms, Metadata } from '@grpc/grpc-js';
import { SpanStatusCode } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { tracing } from '@opentelemetry/sdk-node';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { LIMITS } from '../../receiver/limits.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createToken } from '../../receiver/store/tokens.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { framed, type GrpcClient, grpcClient, rawCall } from '../helpers/grpc_client.ts';
import { int, logBody, logRecord, requestWith, span, text, traceBody } from '../helpers/otlp.ts';
import { startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';

let database: TestDatabase;
let receiver: TestReceiver;
let superuser: pg.Pool;
let client: GrpcClient;

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 2 });
  superuser.on('error', () => undefined);
  receiver = await startTestReceiver(database.databaseUrl);
  client = grpcClient(receiver.urls.otlpGrpc);
});
afterAll(async () => {
  client?.close();
  await receiver?.close();
  await superuser?.end();
  await database?.drop();
});

/** A run span that ended just now, as protobuf. */
function runSpan(tenantId: number, run: string, number: number) {
  const endUs = Date.now() * 1000;
  return span({
    traceId: number.toString(16).padStart(32, '0'),
    spanId: number.toString(16).padStart(16, '0'),
    name: 'nightly',
    startUs: endUs - 1_000_000,
    endUs,
    attributes: [text('runledger.kind', 'run'), int('runledger.tenant.id', tenantId), text('runledger.run.id', run)],
  });
}
const runBody = (...given: Parameters<typeof runSpan>) => traceBody(requestWith(runSpan(...given)), 'protobuf');
const events = async (run: string) => {
  const { rows } = await superuser.query<{ event: string; tenant_id: string }>(
    'select e.event, e.tenant_id from run_event_logs e join enrichment_runs r using (tenant_id, run_id) where r.run_key = $1 order by 1',
    [run],
  );
  return rows;
};
const scrape = async () => (await fetch(`${receiver.urls.api}/metrics`)).text();
const requestsOf = async (signal: string, code: string) => {
  const name = `runledger_receiver_requests_total{signal="${signal}",status="${code}",transport="grpc"} `;
  const line = (await scrape()).split('\n').find((candidate) => candidate.startsWith(name));
  return Number(line?.slice(name.length) ?? 0);
};

test('OK means committed, and the call is counted as gRPC', async () => {
  const before = await requestsOf('traces', 'OK');
  const answer = await client.export('traces', runBody(7, 'grpc-1', 1), receiver.ingestToken);
  expect(answer).toMatchObject({ code: 0, responseBytes: 0 });
  expect(await events('grpc-1')).toHaveLength(2);
  await expect.poll(() => requestsOf('traces', 'OK')).toBe(before + 1);
});

test('the same span over HTTP and over gRPC counts once', async () => {
  const body = runBody(7, 'both-ways', 2);
  const headers = { Authorization: `Bearer ${receiver.ingestToken}`, 'Content-Type': 'application/x-protobuf' };
  const post = () => fetch(`${receiver.urls.otlpHttp}/v1/traces`, { method: 'POST', headers, body: Buffer.from(body) });
  expect((await post()).status).toBe(200);
  const stored = await events('both-ways');
  for (let again = 0; again < 3; again++) {
    expect((await client.export('traces', body, receiver.ingestToken)).code).toBe(0);
  }
  expect((await post()).status).toBe(200);
  expect(await events('both-ways')).toEqual(stored);
  expect(stored).toHaveLength(2);
});

test('the standard exporter over gRPC, with gzip, arrives', async () => {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${receiver.ingestToken}`);
  vi.stubEnv('OTEL_EXPORTER_OTLP_COMPRESSION', 'gzip');
  const exporter = new OTLPTraceExporter({ url: receiver.urls.otlpGrpc, metadata });
  vi.unstubAllEnvs();
  const provider = new tracing.BasicTracerProvider({
    spanProcessors: [new tracing.SimpleSpanProcessor(exporter)],
  });
  const run = provider.getTracer('test').startSpan('nightly', {
    attributes: { 'runledger.kind': 'run', 'runledger.tenant.id': 7, 'runledger.run.id': 'by-exporter' },
  });
  run.setStatus({ code: SpanStatusCode.OK });
  run.end();
  await provider.forceFlush();
  await provider.shutdown();
  expect(await events('by-exporter')).toHaveLength(2);
});

test('thirty calls at once on one connection, compressed, all count once', async () => {
  const zipped = grpcClient(receiver.urls.otlpGrpc, {
    'grpc.default_compression_algorithm': compressionAlgorithms.gzip,
  });
  const numbers = Array.from({ length: 30 }, (_, index) => 0x1000 + index);
  const send = (number: number) => zipped.export('traces', runBody(7, `many-${number}`, number), receiver.ingestToken);
  const answers = await Promise.all(numbers.map(send));
  expect(answers.map(({ code }) => code)).toEqual(numbers.map(() => 0));
  const { rows } = await superuser.query("select count(*)::int as runs from enrichment_runs where run_key ~ '^many-'");
  expect(rows).toEqual([{ runs: 30 }]);
  zipped.close();
});

test('without the right token nothing is stored, and a tenant sends for itself only', async () => {
  for (const token of [undefined, 'not-the-token-of-anybody', receiver.adminToken]) {
    const { code } = await client.export('traces', runBody(7, 'forbidden', 3), token);
    expect(code).toBe(token === receiver.adminToken ? 7 : 16);
  }
  const operators = createPool({
    databaseUrl: database.databaseUrl,
    role: 'runledger_operator',
    maxConnections: 1,
  });
  const { token } = await createToken(operators, { kind: 'tenant', tenantId: 7, name: 'seven', scopes: ['write'] });
  await operators.end();
  const answer = await client.export(
    'traces',
    traceBody(requestWith(runSpan(7, 'own', 4), runSpan(8, 'stolen', 5)), 'protobuf'),
    token,
  );
  expect(answer.code).toBe(0);
  expect(answer.partialSuccess).toMatchObject({ rejected: 1, message: expect.stringContaining('other_tenant') });
  expect((await events('own')).map((row) => Number(row.tenant_id))).toEqual([7, 7]);
  expect([...(await events('stolen')), ...(await events('forbidden'))]).toEqual([]);
});

test('one bad span is rejected alone, a bad body as a whole', async () => {
  const bad = { ...runSpan(7, 'bad', 6), spanId: '12' };
  const mixed = traceBody(requestWith(runSpan(7, 'good', 7), bad), 'protobuf');
  const partial = await client.export('traces', mixed, receiver.ingestToken);
  expect(partial.partialSuccess).toMatchObject({ rejected: 1, message: expect.stringContaining('invalid_ids') });
  expect(await events('good')).toHaveLength(2);
  const whole = runBody(7, 'cut', 8);
  const broken = await client.export('traces', whole.subarray(0, whole.length - 3), receiver.ingestToken);
  expect(broken.code).toBe(3);
  expect(broken.status?.details).toMatchObject({ BadRequest: { fieldViolations: [{ field: 'body' }] } });
  expect(await events('cut')).toEqual([]);
});

test('logs and metrics have their own methods', async () => {
  const logs = logBody(requestWith(logRecord({ traceId: '1'.padStart(32, '0') })), 'protobuf');
  expect((await client.export('logs', logs, receiver.ingestToken)).code).toBe(0);
  const metrics = Buffer.from('0a0a12081206 2a04 0a00 0a00'.replaceAll(' ', ''), 'hex');
  const { code, partialSuccess } = await client.export('metrics', metrics, receiver.ingestToken);
  expect([code, partialSuccess]).toEqual([0, { message: '2 data points received; metrics are not kept yet' }]);
  expect((await client.export('metrics', metrics.subarray(0, 9), receiver.ingestToken)).code).toBe(3);
});

test('a message over 64 MiB is refused for good, and the receiver lives', async () => {
  const answer = await client.export('traces', Buffer.alloc(LIMITS.bodyBytes + 1), receiver.ingestToken);
  expect(answer).toMatchObject({ code: 8, status: null });
  expect((await client.export('traces', Buffer.alloc(0), receiver.ingestToken)).code).toBe(0);
});

test('a database that is away is UNAVAILABLE with RetryInfo, and what is sent again counts once', async () => {
  const name = new URL(database.databaseUrl).pathname.slice(1);
  const admin = new pg.Client({ connectionString: database.superuserUrl.replace(`/${name}`, '/postgres') });
  await admin.connect();
  await admin.query(`alter database "${name}" allow_connections false`);
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
  const body = runBody(7, 'outage', 9);
  const refused = await client.export('traces', body, receiver.ingestToken);
  expect(refused.code).toBe(14);
  expect(refused.status?.details).toEqual({
    RetryInfo: { retryDelay: { seconds: LIMITS.retryAfterSeconds } },
  });
  await admin.query(`alter database "${name}" allow_connections true`);
  await admin.end();
  const again = async () => (await client.export('traces', body, receiver.ingestToken)).code;
  await expect.poll(again, { timeout: 60_000 }).toBe(0);
  expect(await events('outage')).toHaveLength(2);
});

test('a call in flight when the receiver stops is committed and answered, and later ones go elsewhere', async () => {
  const second = await startTestReceiver(database.databaseUrl);
  const body = framed(runBody(7, 'grpc-in-flight', 10));
  const { session, stream, taken } = await rawCall(second.urls.otlpGrpc, second.ingestToken);
  const trailers = new Promise((resolve) => stream.once('trailers', (given) => resolve(given['grpc-status'])));
  stream.resume();
  stream.write(body.subarray(0, 20));
  await taken();
  const stopped = second.stop();
  const other = grpcClient(second.urls.otlpGrpc);
  expect((await other.export('traces', runBody(7, 'too-late', 11), second.ingestToken)).code).toBe(14);
  stream.end(body.subarray(20));
  expect(await trailers).toBe('0');
  await stopped;
  expect(await events('grpc-in-flight')).toHaveLength(2);
  expect(await events('too-late')).toEqual([]);
  other.close();
  session.destroy();
  await second.close();
});
