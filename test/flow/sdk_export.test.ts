import { context, trace } from '@opentelemetry/api';
import { core, tracing } from '@opentelemetry/sdk-node';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ExportQueue } from '../../sdk/export_queue.ts';
import { item, run, type SetupHandle, setup, stage, vendorCall } from '../../sdk/index.ts';
import { makeContextManager } from '../../sdk/packages.ts';
import { forgetSetup } from '../../sdk/setup.ts';
import { type Capture, startCapture } from '../helpers/sdk_capture.ts';

let capture: Capture;
let telemetry: SetupHandle | null = null;
let warnings: string[] = [];
beforeEach(async () => {
  forgetSetup();
  warnings = [];
  vi.spyOn(process, 'emitWarning').mockImplementation((_, options) => {
    warnings.push(String((options as { code?: string }).code));
  });
  capture = await startCapture();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', capture.url);
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json');
});
afterEach(async () => {
  await telemetry?.shutdown();
  await capture.close();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const items = (count: number) =>
  run({ tenant: 7, pipeline: 'p', id: 1 }, () =>
    stage('s', () => {
      for (let id = 0; id < count; id++) item(id, () => undefined);
    }),
  );
const arrived = () => new Set(capture.spans.map((span) => span.spanId)).size;

test('two tenants at once reach the receiver whole, each under its own name', async () => {
  telemetry = setup({ exitHooks: false });
  expect(setup()).toBe(telemetry);
  const nightly = (tenant: number) =>
    run({ tenant, pipeline: 'nightly', id: `n-${tenant}` }, () =>
      stage('crawl', () => Promise.all([1, 2, 3].map((id) => item(id, () => vendorCall('tavily', () => undefined))))),
    );
  await Promise.all([nightly(1), nightly(2)]);
  await telemetry.forceFlush();
  for (const tenant of [1, 2]) {
    const own = capture.spans.filter((span) => span.attributes['runledger.tenant.id'] === tenant);
    expect(own).toHaveLength(10);
    expect(new Set(own.map((span) => span.attributes['runledger.run.id']))).toEqual(new Set([`n-${tenant}`]));
    expect(new Set(own.map((span) => span.traceId)).size).toBe(1);
  }
  expect(telemetry.stats()).toMatchObject({ queued: 20, exported: 20, pending: 0, dropped: 0 });
  expect(warnings).toEqual([]);
});

test('a flush of a full queue loses nothing, though it is more than the exporter takes at once', async () => {
  telemetry = setup({ exitHooks: false });
  items(30_000);
  await telemetry.forceFlush();
  expect(arrived()).toBe(30_004);
  expect(telemetry.stats()).toMatchObject({ queued: 30_004, exported: 30_004, dropped: 0 });
});

test.each([503, 429])(
  'a receiver that answers %i for a while gets everything afterwards',
  async (status) => {
    telemetry = setup({ exitHooks: false });
    capture.answer(status);
    items(2_000);
    await new Promise((resolve) => setTimeout(resolve, 500));
    capture.answer(200);
    await telemetry.forceFlush();
    expect(arrived()).toBe(2_004);
    expect(telemetry.stats()).toMatchObject({ exported: 2_004, dropped: 0 });
  },
  30_000,
);

test('a batch outlives the exporter: it is tried again after the exporter has given it up', async () => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '200');
  telemetry = setup({ exitHooks: false });
  capture.answer(503);
  items(600);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(telemetry.stats().exported).toBe(0);
  capture.answer(200);
  await telemetry.forceFlush();
  expect(arrived()).toBe(604);
  expect(telemetry.stats()).toMatchObject({ exported: 604, dropped: 0 });
});

test('what the receiver refuses for good is counted, told, and stated by the run that is still open', async () => {
  telemetry = setup({ exitHooks: false });
  await run({ tenant: 7, pipeline: 'p', id: 1 }, async () => {
    capture.answer(400);
    await stage('s', () => undefined);
    await telemetry?.forceFlush();
    capture.answer(200);
  });
  await telemetry.forceFlush();
  expect(telemetry.stats()).toMatchObject({ droppedNotAccepted: 3, dropped: 3, exported: 1, pending: 0 });
  expect(warnings).toContain('RUNLEDGER_LOST');
  expect(capture.spans[0]?.attributes).toMatchObject({ 'runledger.sent.stages': 1, 'runledger.sent.dropped': 3 });
});

test('spans beyond OTEL_BSP_MAX_QUEUE_SIZE are counted, told, and stated by their run', async () => {
  vi.stubEnv('OTEL_BSP_MAX_QUEUE_SIZE', '10');
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '60000');
  telemetry = setup({ exitHooks: false });
  capture.answer(503);
  await run({ tenant: 7, pipeline: 'p', id: 1 }, async () => {
    stage('s', () => {
      for (let id = 0; id < 50; id++) item(id, () => undefined);
    });
    capture.answer(200);
    await telemetry?.forceFlush();
  });
  await telemetry.forceFlush();
  const { dropped, droppedQueueFull, exported } = telemetry.stats();
  expect(droppedQueueFull).toBeGreaterThan(0);
  expect(dropped).toBe(droppedQueueFull);
  expect(exported + dropped).toBe(54);
  expect(arrived()).toBe(exported);
  expect(warnings).toContain('RUNLEDGER_QUEUE_FULL');
  const runSpan = capture.spans.find((span) => span.attributes['runledger.kind'] === 'run');
  expect(runSpan?.attributes).toMatchObject({ 'runledger.sent.items': 50, 'runledger.sent.dropped': dropped });
});

test('requests of the exporter are never traced, also when a flush starts them inside a run', async () => {
  const suppressed: boolean[] = [];
  const exporter: tracing.SpanExporter = {
    export: (_spans, done) => {
      suppressed.push(core.isTracingSuppressed(context.active()), trace.getSpan(context.active()) === undefined);
      done({ code: suppressed.length === 2 ? 1 : 0 });
    },
    shutdown: () => Promise.resolve(),
  };
  const queue = new ExportQueue(exporter, { maxQueueSize: 10 });
  const provider = new tracing.BasicTracerProvider({ spanProcessors: [queue] });
  context.setGlobalContextManager(makeContextManager());
  await provider.getTracer('app').startActiveSpan('outer', async (outer) => {
    provider.getTracer('app').startSpan('x').end();
    await queue.forceFlush();
    outer.end();
  });
  await queue.shutdown();
  context.disable();
  expect(suppressed).toEqual([true, true, true, true, true, true]);
});

test('after a shutdown the set-up can be made again', async () => {
  telemetry = setup({ exitHooks: false });
  items(1);
  await telemetry.shutdown();
  const second = setup({ exitHooks: false });
  expect(second).not.toBe(telemetry);
  telemetry = second;
  items(1);
  await second.forceFlush();
  expect(arrived()).toBe(10);
});

test('spans of other instrumentation inside a run are exported with its name, and spans outside are left alone', async () => {
  vi.stubEnv('OTEL_TRACES_SAMPLER', 'always_on');
  telemetry = setup({ exitHooks: false });
  const tracer = trace.getTracer('http');
  tracer.startSpan('outside').end();
  await run({ tenant: 7, pipeline: 'p', id: 1 }, async () => {
    await Promise.resolve();
    tracer.startSpan('inside').end();
  });
  await telemetry.forceFlush();
  expect(capture.spans.find((span) => span.name === 'inside')?.attributes['runledger.run.id']).toBe(1);
  expect(capture.spans.find((span) => span.name === 'outside')?.attributes).toEqual({});
});

test('JSON log lines carry tenant, run, stage, item and usage, and no e-mail address', async () => {
  const lines: string[] = [];
  telemetry = setup({ exitHooks: false, logs: (line) => lines.push(line) });
  expect(() =>
    run({ tenant: 7, pipeline: 'nightly', id: 1 }, () =>
      stage('verify_emails', () =>
        item('ada@example.com', () =>
          vendorCall('zerobounce', (call) => {
            call.usage({ costUsd: 0.01, tokensInput: 5, tokensOutput: 6 });
            throw Object.assign(new Error('ada@example.com is on a list'), { code: 'LISTED' });
          }),
        ),
      ),
    ),
  ).toThrow('ada@example.com');
  expect(lines.join('\n')).not.toContain('ada@example.com');
  const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(parsed.map((line) => [line.logger, line.event])).toEqual([
    ['obs.run', 'start'],
    ['obs.stage', 'start'],
    ['obs.vendor', 'vendor_call'],
    ['obs.stage', 'error'],
    ['obs.stage', 'error'],
    ['obs.run', 'error'],
  ]);
  expect(parsed[2]).toMatchObject({
    level: 'error',
    tenant_id: 7,
    run_id: 1,
    stage: 'verify_emails',
    status: 'error',
    error_code: 'LISTED',
    vendor: 'zerobounce',
    cost_usd: 0.01,
    tokens_input: 5,
    tokens_output: 6,
  });
  expect(parsed[2]?.trace_id).toMatch(/^[0-9a-f]{32}$/);
  expect(String(parsed[2]?.company_id)).toMatch(/^email:/);
});
