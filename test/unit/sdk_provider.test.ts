import {
  context,
  INVALID_SPAN_CONTEXT,
  ROOT_CONTEXT,
  SpanKind,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { tracing } from '@opentelemetry/sdk-node';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readStats } from '../../sdk/health.ts';
import {
  beginRun,
  currentRun,
  item,
  logEvent,
  run,
  runledgerSampler,
  setup,
  stage,
  vendorCall,
} from '../../sdk/index.ts';
import { makeContextManager } from '../../sdk/packages.ts';
import { forgetSetup } from '../../sdk/setup.ts';
import { type MemoryProvider, registerMemoryProvider } from '../helpers/sdk_provider.ts';

let memory: MemoryProvider | null = null;
let warnings: string[] = [];
beforeEach(() => {
  forgetSetup();
  warnings = [];
  vi.spyOn(process, 'emitWarning').mockImplementation((_, options) => {
    warnings.push(String((options as { code?: string }).code));
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  memory?.remove();
  memory = null;
  trace.disable();
  context.disable();
});

function everything() {
  return run({ tenant: 7, pipeline: 'p', id: 1 }, () =>
    stage('s', () => item(1, () => vendorCall('openai', () => 'done'))),
  );
}

test('spans of runs are always recorded and the rest is left to the other sampler', () => {
  memory = registerMemoryProvider({ sampler: runledgerSampler(new tracing.AlwaysOffSampler()) });
  trace.getTracer('app').startSpan('outside').end();
  run({ tenant: 7, pipeline: 'p', id: 1 }, () => trace.getTracer('app').startSpan('inside').end());
  trace
    .getTracer('app')
    .startSpan('attributes', { attributes: { 'run.id': 5 } })
    .end();
  const names = memory.spans().map((span) => span.name);
  expect(names).toContain('inside');
  expect(names).toContain('attributes');
  expect(names).not.toContain('outside');
});

test('an unsampled parent does not silence a run nor the spans inside it', () => {
  memory = registerMemoryProvider();
  const unsampled = trace.setSpanContext(ROOT_CONTEXT, {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: TraceFlags.NONE,
  });
  context.with(unsampled, everything);
  run({ tenant: 7, pipeline: 'q', id: 2 }, () => {
    const inside = trace.setSpanContext(context.active(), {
      ...INVALID_SPAN_CONTEXT,
      traceId: 'a'.repeat(32),
      spanId: 'b'.repeat(16),
    });
    context.with(inside, () => stage('unsampled_parent', () => undefined));
  });
  expect(memory.ofKind('vendor_call')).toHaveLength(1);
  expect(memory.named('unsampled_parent').attributes['runledger.run.id']).toBe(2);
});

test.each([
  ['always_off', '', false],
  ['always_on', '', true],
  ['traceidratio', '0', false],
  ['parentbased_traceidratio', '1', true],
  ['parentbased_always_off', '', false],
  ['', '', true],
  ['nonsense', '', true],
])('OTEL_TRACES_SAMPLER=%s with %s decides about spans outside runs', (name, argument, recorded) => {
  vi.stubEnv('OTEL_TRACES_SAMPLER', name);
  vi.stubEnv('OTEL_TRACES_SAMPLER_ARG', argument);
  const sampler = runledgerSampler();
  const { decision } = sampler.shouldSample(ROOT_CONTEXT, 'c'.repeat(32), 'x', SpanKind.INTERNAL, {}, []);
  expect(decision === tracing.SamplingDecision.RECORD_AND_SAMPLED).toBe(recorded);
});

test('a provider that samples runs away is warned about once, and what is lost is counted', () => {
  memory = registerMemoryProvider({ sampler: new tracing.AlwaysOffSampler() });
  everything();
  everything();
  expect(memory.spans()).toEqual([]);
  expect(warnings).toEqual(['RUNLEDGER_SAMPLED']);
  expect(readStats().droppedUnsampled).toBe(8);
});

test('a run whose spans are partly sampled away states them as dropped, not as sent', () => {
  const dropsItems: tracing.Sampler = {
    shouldSample: (_context, _traceId, name) => ({
      decision: name === 's item' ? tracing.SamplingDecision.NOT_RECORD : tracing.SamplingDecision.RECORD_AND_SAMPLED,
    }),
    toString: () => 'test',
  };
  memory = registerMemoryProvider({ sampler: dropsItems });
  everything();
  expect(memory.named('p').attributes).toMatchObject({ 'runledger.sent.items': 0, 'runledger.sent.dropped': 1 });
});

test('without our span processor the helpers still stamp their own spans', () => {
  memory = registerMemoryProvider({ withoutProcessor: true });
  everything();
  for (const kind of ['run', 'stage', 'item', 'vendor_call', 'start']) {
    for (const span of memory.ofKind(kind)) {
      expect(span.attributes['runledger.tenant.id']).toBe(7);
      expect(span.attributes['runledger.run.id']).toBe(1);
    }
  }
  expect(memory.ofKind('vendor_call')[0]?.attributes).toMatchObject({ 'runledger.stage': 's', 'runledger.item.id': 1 });
});

test('without any provider the work is done, values and errors pass, and one warning says why nothing is recorded', async () => {
  expect(everything()).toBe('done');
  const error = new Error('mine');
  await expect(run({ tenant: 1, pipeline: 'p' }, () => Promise.reject(error))).rejects.toBe(error);
  beginRun({ tenant: 1, pipeline: 'p' }).end();
  expect(new Set(warnings)).toEqual(new Set(['RUNLEDGER_NO_PROVIDER', 'RUNLEDGER_NO_RUN']));
});

test('helpers outside a run do their work, record nothing and warn once', () => {
  memory = registerMemoryProvider();
  expect(stage('s', () => item(1, () => vendorCall('openai', () => 5)))).toBe(5);
  expect(logEvent('x')).toBeUndefined();
  expect(currentRun()).toBeUndefined();
  expect(memory.spans()).toEqual([]);
  expect(warnings).toEqual(['RUNLEDGER_NO_RUN']);
});

test('a provider that throws at every turn changes nothing for the pipeline', async () => {
  const boom = () => {
    throw new Error('telemetry is broken');
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: boom, startActiveSpan: boom }) as unknown as Tracer });
  context.setGlobalContextManager(makeContextManager());
  expect(everything()).toBe('done');
  trace.disable();

  const span = { ...trace.wrapSpanContext(INVALID_SPAN_CONTEXT), spanContext: boom, isRecording: () => true };
  const broken = Object.assign(span, {
    setAttribute: boom,
    setAttributes: boom,
    setStatus: boom,
    addEvent: boom,
    end: boom,
  });
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: () => broken }) as unknown as Tracer });
  const result = await run({ tenant: 7, pipeline: 'p' }, async (it) => {
    it.metric('m', 1);
    it.logEvent('e');
    it.degraded();
    return stage('s', (step) => {
      step.count({ total: 1 });
      return item(1, (one) => {
        one.bucket('High');
        one.skip('x');
        return vendorCall('v', (call) => {
          call.usage({ calls: 2, costUsd: 1 });
          call.fail('x');
          return 'still done';
        });
      });
    });
  });
  expect(result).toBe('still done');
  expect(readStats().internalErrors).toBeGreaterThan(5);
  expect(warnings.filter((code) => code === 'RUNLEDGER_INTERNAL')).toHaveLength(1);
});

test('set-up beside a provider of the application leaves it in place and says what to add', () => {
  memory = registerMemoryProvider();
  const handle = setup({ exitHooks: false });
  expect(setup()).toBe(handle);
  expect(warnings).toEqual(['RUNLEDGER_OTHER_PROVIDER']);
  everything();
  expect(memory.ofKind('run')).toHaveLength(1);
});
