/** A tenant that the token may not send for, or that nobody registered: both sides must say so, because the answer is 200. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { serialize } from 'node:v8';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createPool } from '../../receiver/store/pool.ts';
import { registerTenants } from '../../receiver/store/tenants.ts';
import { item, run, type SetupHandle, setup, stage } from '../../sdk/index.ts';
import type { LastFlushData, PlainSpan } from '../../sdk/last_flush.ts';
import { forgetSetup } from '../../sdk/setup.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';

const PROGRAM = fileURLToPath(new URL('../../sdk/last_flush_process.ts', import.meta.url));

let database: TestDatabase;
let receiver: TestReceiver;
beforeAll(async () => {
  database = await createTestDatabase();
  receiver = await startTestReceiver(database.databaseUrl, { RUNLEDGER_TENANT_AUTOCREATE: '0' });
});
afterAll(async () => {
  await receiver?.close();
  await database?.drop();
});

let telemetry: SetupHandle | null = null;
let warnings: string[] = [];
beforeEach(() => {
  forgetSetup();
  warnings = [];
  vi.spyOn(process, 'emitWarning').mockImplementation((text) => {
    warnings.push(String(text));
  });
});
afterEach(async () => {
  await telemetry?.shutdown();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const night = (tenant: number) =>
  run({ tenant, pipeline: 'nightly' }, () =>
    stage('crawl', () => {
      for (let id = 0; id < 3; id++) item(id, () => undefined);
    }),
  );

/** run, stage, three items and two start markers */
const SPANS = 7;

test.each(['http/protobuf', 'http/json', 'grpc'])('over %s an unknown tenant is no success', async (protocol) => {
  const { otlpHttp, otlpGrpc } = receiver.urls;
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', protocol);
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', protocol === 'grpc' ? otlpGrpc : otlpHttp);
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', `authorization=Bearer ${receiver.ingestToken}`);
  telemetry = setup({ exitHooks: false });
  night(404);
  await telemetry.forceFlush();
  expect(telemetry.stats()).toMatchObject({ queued: SPANS, exported: 0, droppedNotAccepted: SPANS, pending: 0 });
  expect(
    warnings.filter((text) => text.includes('unknown_tenant') && text.includes('runledger tenant add')),
  ).toHaveLength(1);
  expect(receiver.logged.find(({ reason }) => reason === 'unknown_tenant')).toBeDefined();
});

test('the process of the last flush tells what was refused of what it sent', async () => {
  const plain: PlainSpan = {
    name: 'nightly',
    kind: 0,
    ids: { traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 1 },
    startTime: [Math.floor(Date.now() / 1000), 0],
    endTime: [Math.floor(Date.now() / 1000), 5],
    duration: [0, 5],
    ended: true,
    status: { code: 0 },
    attributes: { 'runledger.kind': 'run', 'runledger.tenant.id': 404, 'runledger.run.id': 'n-1' },
    links: [],
    events: [],
    resourceAttributes: {},
    instrumentationScope: { name: 'runledger' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
  const data: LastFlushData = {
    spans: [plain],
    destination: { endpoint: receiver.urls.otlpHttp, token: receiver.ingestToken },
  };
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM], { stdio: ['pipe', 'pipe', 'ignore'] });
  let printed = '';
  child.stdout.on('data', (part: Buffer) => {
    printed += part.toString();
  });
  child.stdin.end(serialize(data));
  await once(child, 'close');
  expect(printed).toBe('1 1\n');
});

test('what the receiver takes of a request is still counted as sent', async () => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', receiver.urls.otlpHttp);
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', `authorization=Bearer ${receiver.ingestToken}`);
  const operators = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_operator', maxConnections: 1 });
  await registerTenants(operators, ['7']);
  await operators.end();
  telemetry = setup({ exitHooks: false });
  night(404);
  night(7);
  await telemetry.forceFlush();
  expect(telemetry.stats()).toMatchObject({ exported: SPANS, droppedNotAccepted: SPANS, pending: 0 });
});
