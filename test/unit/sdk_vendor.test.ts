import { SpanKind, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { item, run, stage, vendorCall } from '../../sdk/index.ts';
import { type MemoryProvider, registerMemoryProvider } from '../helpers/sdk_provider.ts';

let memory: MemoryProvider;
beforeEach(() => {
  memory = registerMemoryProvider();
});
afterEach(() => memory.remove());

/** A span as another library's instrumentation makes it: started and ended inside the current context. */
function foreignSpan(
  name: string,
  attributes: Record<string, string | number>,
  kind = SpanKind.CLIENT,
  inside?: () => void,
) {
  trace.getTracer('some-instrumentation').startActiveSpan(name, { kind, attributes }, (span) => {
    inside?.();
    span.end();
  });
}

function tryHttp(status: number) {
  trace.getTracer('http').startActiveSpan('GET', { kind: SpanKind.CLIENT }, (span) => {
    span.setAttribute('http.response.status_code', status);
    span.end();
  });
}

const chat = (tokens: Record<string, string | number>, inside?: () => void) =>
  foreignSpan(
    'chat',
    { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', ...tokens },
    SpanKind.CLIENT,
    inside,
  );

function inCall(work: () => void) {
  run({ tenant: 7, pipeline: 'p', id: 1 }, () => stage('s', () => item(3, () => vendorCall('openai', work))));
  return memory.named('openai').attributes;
}

test('one call with three HTTP tries (429, 429, 200) is one call with two hits and no error', () => {
  const attributes = inCall(() => {
    tryHttp(429);
    tryHttp(429);
    tryHttp(200);
  });
  expect(attributes['runledger.rate_limit_hits']).toBe(2);
  expect(attributes['runledger.errors']).toBeUndefined();
  expect(attributes['runledger.error.code']).toBeUndefined();
  for (const span of memory.spans().filter((span) => span.name === 'GET')) {
    expect(span.attributes).toMatchObject({
      'runledger.within': 'openai',
      'runledger.tenant.id': 7,
      'runledger.run.id': 1,
      'runledger.stage': 's',
    });
  }
});

test('a rate limit that both the application and HTTP instrumentation saw is counted once', () => {
  run({ tenant: 7, pipeline: 'p' }, () =>
    vendorCall('openai', (call) => {
      tryHttp(429);
      call.rateLimited();
      tryHttp(200);
    }),
  );
  expect(memory.named('openai').attributes['runledger.rate_limit_hits']).toBe(1);
});

test('402 and insufficient_quota exhaust the quota', () => {
  expect(inCall(() => tryHttp(402))['runledger.quota_exhausted']).toBe(true);
  run({ tenant: 7, pipeline: 'p' }, () =>
    vendorCall('lusha', () => foreignSpan('x', { 'error.type': 'insufficient_quota' })),
  );
  expect(memory.named('lusha').attributes['runledger.quota_exhausted']).toBe(true);
});

test('an error with a status states hit, quota and code without any instrumentation', () => {
  const failWith = (vendor: string, error: object) =>
    expect(() =>
      run({ tenant: 7, pipeline: 'p' }, () =>
        vendorCall(vendor, () => {
          throw error;
        }),
      ),
    ).toThrow();
  failWith('tavily', Object.assign(new Error('slow down'), { status: 429 }));
  failWith('lusha', Object.assign(new Error('pay'), { response: { status: 402 }, code: 'ERR_BAD_REQUEST' }));
  failWith('openai', Object.assign(new Error('quota'), { status: 429, code: 'insufficient_quota' }));
  expect(memory.named('tavily').attributes).toMatchObject({
    'runledger.error.code': 'HTTP_429',
    'runledger.rate_limit_hits': 1,
  });
  expect(memory.named('lusha').attributes).toMatchObject({
    'runledger.error.code': 'HTTP_402',
    'runledger.quota_exhausted': true,
  });
  expect(memory.named('openai').attributes).toMatchObject({
    'runledger.error.code': 'insufficient_quota',
    'runledger.rate_limit_hits': 1,
    'runledger.quota_exhausted': true,
  });
});

test('tokens of inner model spans are summed where the call states none', () => {
  const attributes = inCall(() => {
    chat({ 'gen_ai.usage.input_tokens': 10, 'gen_ai.usage.output_tokens': 4, 'gen_ai.response.model': 'gpt-x-2026' });
    chat({ 'gen_ai.usage.prompt_tokens': 5, 'gen_ai.usage.completion_tokens': 1 });
  });
  expect(attributes).toMatchObject({
    'runledger.tokens_input': 15,
    'runledger.tokens_output': 5,
    'gen_ai.response.model': 'gpt-x-2026',
  });
});

test('what the call states about tokens wins over inner spans', () => {
  run({ tenant: 7, pipeline: 'p' }, () =>
    vendorCall('openai', (call) => {
      chat({ 'gen_ai.usage.input_tokens': 10, 'gen_ai.usage.output_tokens': 4 });
      call.usage({ tokensInput: 99 });
    }),
  );
  expect(memory.named('openai').attributes).toMatchObject({
    'runledger.tokens_input': 99,
    'runledger.tokens_output': 4,
  });
});

test('two instrumentations of one model call, one inside the other, count its tokens once', () => {
  const usage = { 'gen_ai.usage.input_tokens': 10, 'gen_ai.usage.output_tokens': 4 };
  const attributes = inCall(() =>
    chat(usage, () => foreignSpan('wrapper', {}, SpanKind.INTERNAL, () => chat(usage, () => tryHttp(200)))),
  );
  expect(attributes).toMatchObject({ 'runledger.tokens_input': 10, 'runledger.tokens_output': 4 });
});

test('an inner call of the same vendor is a part of the outer one: marked, summed, not counted as sent', () => {
  run({ tenant: 7, pipeline: 'p', id: 1 }, () =>
    vendorCall('OpenAI', { operation: 'outer' }, () => {
      vendorCall('openai', { operation: 'inner' }, (call) =>
        call.usage({ tokensInput: 3, costUsd: 0.01, rateLimitHits: 2, quotaExhausted: true }),
      );
      vendorCall('tavily', () => undefined);
    }),
  );
  expect(memory.named('openai inner').attributes['runledger.within']).toBe('openai');
  expect(memory.named('tavily').attributes['runledger.within']).toBe('openai');
  expect(memory.named('openai outer').attributes).toMatchObject({
    'runledger.tokens_input': 3,
    'runledger.cost_usd': 0.01,
    'runledger.rate_limit_hits': 2,
    'runledger.quota_exhausted': true,
  });
  expect(memory.named('openai outer').attributes['runledger.within']).toBeUndefined();
  expect(memory.named('p').attributes['runledger.sent.vendor_calls']).toBe(2);
});

test('a model span inside a call of the same vendor names that vendor, so that the receiver takes it for a part too', () => {
  run({ tenant: 7, pipeline: 'p', id: 1 }, () => {
    vendorCall('openai', () =>
      foreignSpan('azure', {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'azure.ai.openai',
        'gen_ai.usage.input_tokens': 7,
      }),
    );
    vendorCall('router', { model: 'gpt-x' }, () =>
      foreignSpan('routed', {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'anthropic',
        'gen_ai.usage.input_tokens': 8,
      }),
    );
  });
  expect(memory.named('azure').attributes).toMatchObject({
    'runledger.vendor': 'openai',
    'runledger.within': 'openai',
  });
  expect(memory.named('routed').attributes['runledger.vendor']).toBe('router');
  expect(memory.named('openai').attributes['runledger.tokens_input']).toBe(7);
  expect(memory.named('router').attributes['runledger.tokens_input']).toBe(8);
  expect(memory.named('p').attributes['runledger.sent.vendor_calls']).toBe(2);
});

test('the model spans of another vendor inside a call are rows of their own and not summed', () => {
  run({ tenant: 7, pipeline: 'p', id: 1 }, () => vendorCall('tavily', () => chat({ 'gen_ai.usage.input_tokens': 10 })));
  expect(memory.named('tavily').attributes['runledger.tokens_input']).toBeUndefined();
  expect(memory.named('p').attributes['runledger.sent.vendor_calls']).toBe(2);
});

test('model spans outside any call are rows and belong to the statement of what was sent, with their item', () => {
  run({ tenant: 7, pipeline: 'p', id: 1 }, () =>
    stage('s', () =>
      item(3, () => {
        chat({});
        foreignSpan('agent', { 'gen_ai.operation.name': 'invoke_agent' }, SpanKind.INTERNAL);
      }),
    ),
  );
  expect(memory.named('chat').attributes['runledger.item.id']).toBe(3);
  expect(memory.named('agent').attributes['runledger.item.id']).toBeUndefined();
  expect(memory.named('p').attributes).toMatchObject({
    'runledger.sent.vendor_calls': 1,
    'runledger.sent.items': 1,
    'runledger.sent.stages': 1,
  });
});

test('concurrent calls of one vendor keep their tries apart', async () => {
  const call = (name: string, hits: number) =>
    vendorCall('openai', { operation: name }, async () => {
      for (let index = 0; index < hits; index++) {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 2));
        tryHttp(429);
      }
    });
  await run({ tenant: 7, pipeline: 'p' }, () =>
    Promise.all(Array.from({ length: 20 }, (_, index) => call(`c${index}`, index))),
  );
  for (let index = 1; index < 20; index++) {
    expect(memory.named(`openai c${index}`).attributes['runledger.rate_limit_hits']).toBe(index);
  }
});

test('what a span says itself is not overwritten', () => {
  run({ tenant: 7, pipeline: 'p', id: 1 }, () =>
    stage('s', () =>
      foreignSpan('own', { 'runledger.stage': 'mine', 'runledger.tenant.id': 8, 'runledger.run.id': 9 }),
    ),
  );
  expect(memory.named('own').attributes).toMatchObject({
    'runledger.stage': 'mine',
    'runledger.tenant.id': 8,
    'runledger.run.id': 9,
  });
});
