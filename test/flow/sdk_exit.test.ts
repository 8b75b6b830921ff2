import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Capture, type CapturedSpan, startCapture } from '../helpers/sdk_capture.ts';

const PROGRAM = fileURLToPath(new URL('../helpers/sdk_program.ts', import.meta.url));

let capture: Capture;
beforeEach(async () => {
  capture = await startCapture();
});
afterEach(() => capture.close());

interface Ended {
  code: number | null;
  signal: string | null;
  output: string;
}

function start(
  ending: string,
  env: Record<string, string> = {},
): { child: ChildProcess; ended: Promise<Ended>; ready: Promise<void> } {
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, ending], {
    env: { ...process.env, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', TEST_ENDPOINT: capture.url, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let sayReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    sayReady = resolve;
  });
  const take = (part: Buffer) => {
    output += part.toString();
    if (output.includes('ready\n')) sayReady();
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, output }) as Ended);
  return { child, ended, ready };
}

const runSpan = (): CapturedSpan | undefined =>
  capture.spans.find((span) => span.attributes['runledger.kind'] === 'run');
const kinds = () => capture.spans.map((span) => span.attributes['runledger.kind']).sort();

test('a script that just returns loses nothing: the flush waits for nobody to call it', async () => {
  const { code } = await start('return').ended;
  expect(code).toBe(0);
  expect(kinds()).toEqual(['run', 'stage', 'start', 'start']);
  expect(runSpan()?.attributes['runledger.run.status']).toBe('succeeded');
});

test('process.exit() straight after the run loses nothing and keeps its exit code', async () => {
  const { code } = await start('exit').ended;
  expect(code).toBe(3);
  expect(kinds()).toEqual(['run', 'stage', 'start', 'start']);
});

test('a run that is open at process.exit() says that it did not end', async () => {
  await start('exit-open').ended;
  expect(runSpan()?.attributes).toMatchObject({
    'runledger.run.status': 'failed',
    'runledger.error.code': 'process_exit',
    'runledger.sent.stages': 1,
  });
});

test('an uncaught exception fails the open run with its code, and the process still crashes as it would', async () => {
  const { code, output } = await start('crash').ended;
  expect(code).toBe(1);
  expect(output).toContain('disk gone');
  expect(kinds()).toEqual(['item', 'run', 'stage', 'start', 'start', 'vendor_call']);
  for (const span of capture.spans.filter((span) => span.attributes['runledger.kind'] !== 'start')) {
    expect(span.attributes['runledger.error.code']).toBe('EIO');
    expect(span.statusCode).toBe(2);
  }
  expect(runSpan()?.attributes).toMatchObject({
    'runledger.run.status': 'failed',
    'runledger.sent.stages': 1,
    'runledger.sent.items': 1,
    'runledger.sent.vendor_calls': 1,
  });
});

test('an unhandled rejection is a crash like any other', async () => {
  const { code } = await start('reject').ended;
  expect(code).toBe(1);
  const runs = capture.spans.filter((span) => span.attributes['runledger.kind'] === 'run');
  expect(runs).toHaveLength(2);
  for (const span of runs) expect(span.attributes['runledger.error.code']).toBe('RangeError');
});

test('an exception that the application handles does not end its run', async () => {
  const { code, output } = await start('survive').ended;
  expect(code).toBe(0);
  expect(output).toContain('survived');
  expect(runSpan()?.attributes['runledger.run.status']).toBe('succeeded');
});

test('a crash that a listener turns into an orderly exit still names the error', async () => {
  const { code } = await start('listener-exits').ended;
  expect(code).toBe(9);
  expect(runSpan()?.attributes).toMatchObject({ 'runledger.run.status': 'failed', 'runledger.error.code': 'EIO' });
});

test.each([
  ['SIGTERM', 'failed'],
  ['SIGINT', 'cancelled'],
] as const)('%s makes an open run %s, and the process dies of that signal', async (name, status) => {
  const { child, ready, ended } = start('signal');
  await ready;
  child.kill(name);
  const { code, signal } = await ended;
  expect(code).toBeNull();
  expect(signal).toBe(name);
  expect(runSpan()?.attributes['runledger.run.status']).toBe(status);
  expect(kinds()).toEqual(['item', 'run', 'stage', 'start', 'start', 'vendor_call']);
});

test("the application's own signal handler decides, and the open run is still told", async () => {
  const { child, ready, ended } = start('own-handler');
  await ready;
  child.kill('SIGTERM');
  const { code, output } = await ended;
  expect(code).toBe(5);
  expect(output).toContain('own handler');
  expect(runSpan()?.attributes['runledger.error.code']).toBe('process_exit');
});

test('a receiver that is away at the end is told as a loss and does not hold the process for ever', async () => {
  await capture.close();
  const [exited, returned] = await Promise.all([
    start('exit').ended,
    start('return', { OTEL_EXPORTER_OTLP_TIMEOUT: '500' }).ended,
  ]);
  expect([exited.code, returned.code]).toEqual([3, 0]);
  for (const { output } of [exited, returned]) expect(output).toContain('4 of 4 spans could not be sent');
  capture = await startCapture();
});

test('options fill in what the environment leaves open, and the environment wins over them', async () => {
  await start('flush').ended;
  expect(new Set(capture.requests.map((request) => request.authorization))).toEqual(new Set(['Bearer from-option']));
  expect(capture.requests[0]?.path).toBe('/v1/traces');
  expect(capture.spans[0]?.resource).toMatchObject({ 'service.name': 'from-option' });
  expect(capture.spans[0]?.resource['process.command_args']).toBeUndefined();

  capture.requests.length = 0;
  capture.spans.length = 0;
  await start('flush', {
    TEST_ENDPOINT: 'http://127.0.0.1:9',
    OTEL_EXPORTER_OTLP_ENDPOINT: capture.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20from-environment',
    OTEL_SERVICE_NAME: 'from-environment',
    OTEL_RESOURCE_ATTRIBUTES: 'service.version=1.2.3,deployment.environment.name=prod',
  }).ended;
  expect(capture.requests[0]?.authorization).toBe('Bearer from-environment');
  expect(capture.spans[0]?.resource).toMatchObject({
    'service.name': 'from-environment',
    'service.version': '1.2.3',
    'deployment.environment.name': 'prod',
  });
});

test('the protocol is the one that the environment names, protobuf when it names none; the last flush keeps to it', async () => {
  for (const [protocol, ending, type] of [
    ['http/protobuf', 'flush', 'application/x-protobuf'],
    ['', 'flush', 'application/x-protobuf'],
    ['http/json', 'flush', 'application/json'],
    ['http/protobuf', 'exit', 'application/x-protobuf'],
  ] as const) {
    capture.requests.length = 0;
    await start(ending, { OTEL_EXPORTER_OTLP_PROTOCOL: protocol }).ended;
    expect(capture.requests.map((request) => request.contentType)).toEqual([type]);
  }
});

test('OTEL_SDK_DISABLED and OTEL_TRACES_EXPORTER=none send nothing and disturb nothing', async () => {
  for (const env of [{ OTEL_SDK_DISABLED: 'true' }, { OTEL_TRACES_EXPORTER: 'none' }] as Record<string, string>[]) {
    const { code } = await start('return', env).ended;
    expect(code).toBe(0);
  }
  expect(capture.requests).toEqual([]);
});
