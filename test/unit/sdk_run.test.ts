import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  beginRun,
  bumpVendor,
  currentItem,
  currentRun,
  currentStage,
  fallback,
  finalizeRun,
  item,
  logEvent,
  retry,
  run,
  stage,
  stageTimer,
  vendorCall,
} from '../../sdk/index.ts';
import { type MemoryProvider, registerMemoryProvider } from '../helpers/sdk_provider.ts';

let memory: MemoryProvider;
beforeEach(() => {
  memory = registerMemoryProvider();
});
afterEach(() => memory.remove());

const NIGHTLY = { tenant: 7, pipeline: 'nightly' };

test('a run states tenant, run, outcome and how many spans of each kind it ended', async () => {
  await run({ ...NIGHTLY, id: 42, environment: 'prod', langsmithUrl: 'https://smith.langchain.com/x' }, async () => {
    await stage('crawl', async () => {
      await item(1, () => vendorCall('tavily', () => undefined));
      await item(2, () => undefined);
    });
    bumpVendor('lusha');
  });
  expect(memory.named('nightly').attributes).toEqual({
    'runledger.kind': 'run',
    'runledger.tenant.id': 7,
    'runledger.run.id': 42,
    'runledger.pipeline': 'nightly',
    'deployment.environment.name': 'prod',
    'runledger.langsmith_url': 'https://smith.langchain.com/x',
    'runledger.run.status': 'succeeded',
    'runledger.sent.stages': 1,
    'runledger.sent.items': 2,
    'runledger.sent.vendor_calls': 2,
    'runledger.sent.dropped': 0,
  });
});

test('a run is the root of its own trace even inside another trace, which it links', async () => {
  const { trace } = await import('@opentelemetry/api');
  const outer = trace.getTracer('cron').startActiveSpan('cron', (span) => {
    run(NIGHTLY, () => undefined);
    span.end();
    return span;
  });
  const nightly = memory.named('nightly');
  expect(nightly.parentSpanContext).toBeUndefined();
  expect(nightly.spanContext().traceId).not.toBe(outer.spanContext().traceId);
  expect(nightly.links.map((link) => link.context.spanId)).toEqual([outer.spanContext().spanId]);
});

test('200 concurrent interleaved runs of many tenants never mix', async () => {
  const pause = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
  const one = (index: number) =>
    run({ tenant: index % 9, pipeline: 'nightly', id: `run-${index}` }, async () => {
      await pause();
      await stage(`stage-${index}`, async () => {
        await Promise.all(
          [0, 1, 2].map((company) =>
            item(index * 10 + company, async () => {
              await pause();
              expect(currentRun()?.id).toBe(`run-${index}`);
              await vendorCall(`vendor-${index}`, pause);
              logEvent('seen', { attributes: { index } });
            }),
          ),
        );
      });
    });
  await Promise.all(Array.from({ length: 200 }, (_, index) => one(index)));

  expect(memory.ofKind('run')).toHaveLength(200);
  expect(memory.ofKind('item')).toHaveLength(600);
  expect(memory.ofKind('vendor_call')).toHaveLength(600);
  for (const span of memory.spans()) {
    const index = Number(/run-(\d+)/.exec(String(span.attributes['runledger.run.id']))?.[1]);
    expect(span.attributes['runledger.tenant.id']).toBe(index % 9);
    if (span.attributes['runledger.stage'] !== undefined) {
      expect(span.attributes['runledger.stage']).toBe(`stage-${index}`);
    }
    if (span.attributes['runledger.item.id'] !== undefined) {
      expect(Math.floor(Number(span.attributes['runledger.item.id']) / 10)).toBe(index);
    }
    for (const event of span.events) expect(event.attributes?.index).toBe(index);
    if (span.attributes['runledger.kind'] === 'run') expect(span.attributes['runledger.sent.items']).toBe(3);
  }
});

test('an error of the work passes through untouched and fails item, stage and run with its code', async () => {
  const thrown = Object.assign(new Error('mail to ada@example.com bounced'), { code: 'SMTP_550' });
  const failing = run(NIGHTLY, () => stage('export', () => item(1, () => Promise.reject(thrown))));
  await expect(failing).rejects.toBe(thrown);
  for (const name of ['nightly', 'export', 'export item']) {
    const span = memory.named(name);
    expect(span.attributes['runledger.error.code']).toBe('SMTP_550');
    expect(span.status.code).toBe(SpanStatusCode.ERROR);
    expect(span.status.message).not.toContain('ada@example.com');
    expect(span.events).toEqual([]);
  }
  expect(memory.named('nightly').attributes['runledger.run.status']).toBe('failed');
});

test('work that is not asynchronous returns its value at once, and throws at once', () => {
  expect(run(NIGHTLY, () => stage('s', () => 5))).toBe(5);
  expect(() =>
    run({ tenant: 7, pipeline: 'second' }, () => {
      throw new TypeError('no');
    }),
  ).toThrow(TypeError);
  expect(memory.named('second').attributes['runledger.error.code']).toBe('TypeError');
});

test('a stage counts its items as soon as one starts, and bulk numbers when it is given them', () => {
  run(NIGHTLY, () => {
    stage('plain', () => undefined);
    stage('with_items', () => item(1, () => undefined));
    stage('bulk', (it) => it.count({ total: 10, error: 3 }));
    stage('both', (it) => {
      item(1, () => undefined);
      it.count({ total: 10, success: 10 });
    });
  });
  expect(memory.named('plain').attributes['runledger.stage.unit']).toBeUndefined();
  expect(memory.named('with_items').attributes['runledger.stage.unit']).toBe('items');
  expect(memory.named('bulk').attributes).toMatchObject({
    'runledger.stage.unit': 'bulk',
    'runledger.count.total': 10,
    'runledger.count.success': 7,
    'runledger.count.error': 3,
  });
  expect(memory.named('both').attributes['runledger.stage.unit']).toBe('items');
  expect(memory.named('both').attributes['runledger.count.total']).toBeUndefined();
});

test('start markers name the exact span and start that the real span has', () => {
  run({ ...NIGHTLY, environment: 'prod' }, () => stage('crawl', () => undefined));
  const markers = memory.ofKind('start');
  expect(markers).toHaveLength(2);
  for (const [name, root] of [
    ['nightly', true],
    ['crawl', false],
  ] as const) {
    const real = memory.named(name);
    const marker = markers.find((span) => span.attributes['runledger.subject.span_id'] === real.spanContext().spanId);
    expect(marker?.parentSpanContext?.spanId).toBe(real.spanContext().spanId);
    expect(marker?.attributes['runledger.subject.root']).toBe(root);
    const [seconds, nanoseconds] = real.startTime;
    expect(marker?.attributes['runledger.subject.start_unix_nano']).toBe(
      String(BigInt(seconds) * 10n ** 9n + BigInt(nanoseconds)),
    );
    expect(marker?.attributes['runledger.run.id']).toBe(real.attributes['runledger.run.id']);
    expect(marker?.attributes['runledger.tenant.id']).toBe(7);
  }
  const runMarker = markers.find((span) => span.attributes['runledger.subject.kind'] === 'run');
  expect(runMarker?.attributes['deployment.environment.name']).toBe('prod');
});

test('an open run sends a heartbeat each minute and none after its end', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const open = beginRun({ tenant: 'acme', pipeline: 'long', id: 5 });
    vi.advanceTimersByTime(180_000);
    open.end();
    vi.advanceTimersByTime(180_000);
  } finally {
    vi.useRealTimers();
  }
  const beats = memory.ofKind('heartbeat');
  expect(beats).toHaveLength(3);
  expect(beats[0]?.attributes).toMatchObject({ 'runledger.tenant.id': 'acme', 'runledger.run.id': 5 });
  expect(beats[0]?.parentSpanContext?.spanId).toBe(memory.named('long').spanContext().spanId);
});

test('what is still open when the run ends is ended as failed and counted', () => {
  const open = beginRun(NIGHTLY);
  const crawl = open.beginStage('crawl');
  crawl.beginItem(1);
  open.end();
  crawl.end();
  expect(memory.named('crawl').attributes['runledger.error.code']).toBe('not_ended');
  expect(memory.named('crawl item').attributes['runledger.error.code']).toBe('not_ended');
  expect(memory.named('nightly').attributes).toMatchObject({
    'runledger.run.status': 'succeeded',
    'runledger.sent.stages': 1,
    'runledger.sent.items': 1,
  });
});

test('the manual form carries context by handle and by with()', async () => {
  const open = beginRun(NIGHTLY);
  const crawl = open.beginStage('crawl');
  await crawl.with(async () => {
    await Promise.resolve();
    expect(currentStage()).toBe(crawl);
    item(9, (it) => {
      expect(currentItem()).toBe(it);
      it.bucket('High');
    });
  });
  const call = crawl.beginItem(10).beginVendorCall('lusha', { operation: 'person' });
  call.usage({ units: 2 });
  call.end();
  crawl.end();
  open.end();
  expect(memory.named('lusha person').attributes).toMatchObject({
    'runledger.item.id': 10,
    'runledger.stage': 'crawl',
    'runledger.units': 2,
  });
  expect(currentRun()).toBeUndefined();
});

test('the outcome that the pipeline states is the outcome, also when it then throws', async () => {
  run({ tenant: 1, pipeline: 'cancelled' }, (it) => it.cancel('asked to stop'));
  expect(() =>
    run({ tenant: 1, pipeline: 'cancelled_throwing' }, (it) => {
      it.cancel();
      throw new Error('aborted');
    }),
  ).toThrow('aborted');
  run({ tenant: 1, pipeline: 'failed' }, (it) => it.fail('ODOO_DOWN'));
  run({ tenant: 1, pipeline: 'degraded' }, (it) => it.degraded());
  expect(memory.named('cancelled').attributes['runledger.run.status']).toBe('cancelled');
  expect(memory.named('cancelled_throwing').attributes['runledger.run.status']).toBe('cancelled');
  expect(memory.named('failed').attributes).toMatchObject({
    'runledger.run.status': 'failed',
    'runledger.error.code': 'ODOO_DOWN',
  });
  expect(memory.named('degraded').attributes).toMatchObject({
    'runledger.run.status': 'succeeded',
    'runledger.run.degraded': true,
  });
});

test('a skipped item is neither good nor bad', () => {
  run(NIGHTLY, () => stage('s', () => item(1, (it) => it.skip('robots'))));
  expect(memory.named('s item').attributes).toMatchObject({ 'runledger.status': 'skip', 'skip.reason': 'robots' });
  expect(memory.named('s item').status.code).toBe(SpanStatusCode.UNSET);
});

test('the five helpers of a hand-kept run log have counterparts', () => {
  const nightly = beginRun(NIGHTLY);
  nightly.with(() => {
    const stop = stageTimer('score');
    logEvent('threshold_moved', { attributes: { to: 0.7 } });
    stop(new RangeError('x'));
    bumpVendor('zerobounce', { calls: 50, errors: 3, costUsd: 0.4 });
  });
  stageTimer('export', nightly)();
  finalizeRun(nightly, { status: 'succeeded', metrics: { items_delivered: 12 } });
  expect(memory.named('score').attributes['runledger.error.code']).toBe('RangeError');
  expect(memory.named('export').status.code).toBe(SpanStatusCode.UNSET);
  expect(memory.named('zerobounce').kind).toBe(SpanKind.CLIENT);
  expect(memory.named('zerobounce').attributes).toMatchObject({
    'runledger.calls': 50,
    'runledger.errors': 3,
    'runledger.cost_usd': 0.4,
  });
  expect(memory.named('nightly').attributes['runledger.metric.items_delivered']).toBe(12);
  expect(memory.named('nightly').events.map((event) => event.name)).toEqual(['threshold_moved']);
});

test('added metrics are one sum on the run span', () => {
  run(NIGHTLY, (it) => {
    it.addMetric('emails_found', 2);
    it.addMetric('emails_found', 3);
    it.metric('candidates_selected', 1);
    it.metric('candidates_selected', 9);
  });
  expect(memory.named('nightly').attributes).toMatchObject({
    'runledger.metric_sum.emails_found': 5,
    'runledger.metric.candidates_selected': 9,
  });
});

test('thousands of events on one stage are all kept, in order, and make no items', () => {
  run(NIGHTLY, () =>
    stage('crawl', () =>
      item(77, () => {
        for (let index = 0; index < 1_000; index++) logEvent(`event-${index}`);
        retry('HTTP_503');
        fallback('tavily');
      }),
    ),
  );
  const events = memory.spans().flatMap((span) => span.events);
  expect(new Set(events.map((event) => event.name)).size).toBe(1_002);
  for (const event of events) expect(event.attributes?.['runledger.item.id']).toBe(77);
  const carriers = memory.spans().filter((span) => span.name === 'events');
  expect(carriers.length).toBeGreaterThan(5);
  for (const carrier of carriers) {
    expect(carrier.attributes['runledger.item.id']).toBeUndefined();
    expect(carrier.attributes['runledger.kind']).toBeUndefined();
    expect(carrier.attributes['runledger.stage']).toBe('crawl');
    expect(carrier.parentSpanContext).toBeDefined();
  }
  expect(events.find((event) => event.name === 'retry')?.attributes?.['runledger.status']).toBe('retry');
});

test('ids keep their sort: numbers of the ledger stay numbers, everything else is text', () => {
  run({ tenant: 1, pipeline: 'ids', id: 10n ** 18n }, () =>
    stage('s', () => {
      item(5, () => undefined);
      item(2 ** 60, () => undefined);
      item('abc', () => undefined);
    }),
  );
  expect(memory.named('ids').attributes['runledger.run.id']).toBe('1000000000000000000');
  expect(memory.ofKind('item').map((span) => span.attributes['runledger.item.id'])).toEqual([
    5,
    String(2 ** 60),
    'abc',
  ]);
});
