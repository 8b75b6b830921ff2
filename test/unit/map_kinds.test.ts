/** Which kind a span is: what it says itself first, then conventions, in a fixed order. */

import { describe, expect, test } from 'vitest';
import type { Attribute, Span } from '../../receiver/decode/shape.ts';
import { ATTR } from '../../sdk/attributes.ts';
import { INGEST, mapSpans } from '../helpers/mapping.ts';
import { int, span, text } from '../helpers/otlp.ts';

const PARENT = '00f067aa0ba902b7';
const CLIENT = 3;
const kindOf = (attributes: Attribute[], given: Partial<Span> = {}) =>
  mapSpans([span({ parentSpanId: PARENT, attributes, ...given })]).outcomes[0]?.kind;

const MARKER = [
  text(ATTR.subjectKind, 'run'),
  text(ATTR.subjectSpanId, PARENT),
  text(ATTR.subjectStartUnixNano, '1760000000000000000'),
];

describe('the span says it', () => {
  test.each(['run', 'stage', 'item', 'vendor_call', 'heartbeat'])('%s', (kind) => {
    expect(kindOf([text(ATTR.kind, kind), text('gen_ai.operation.name', 'chat'), int(ATTR.itemId, 1)])).toBe(kind);
  });
  test('start', () => {
    expect(kindOf([text(ATTR.kind, 'start'), ...MARKER])).toBe('start');
  });
  test('a word that is no kind leaves it to conventions', () => {
    expect(kindOf([text(ATTR.kind, 'agent'), text('gen_ai.operation.name', 'chat')])).toBe('vendor_call');
  });
  test("a resource's word is not the span's", () => {
    const { outcomes } = mapSpans([span({ parentSpanId: PARENT })], { resource: [text(ATTR.kind, 'stage')] });
    expect(outcomes[0]?.kind).toBe('other');
  });
});

describe('model calls', () => {
  test.each(['chat', 'text_completion', 'generate_content', 'embeddings'])(
    'OTel GenAI %s is a vendor call',
    (operation) => {
      expect(kindOf([text('gen_ai.operation.name', operation)])).toBe('vendor_call');
    },
  );
  test.each(['invoke_agent', 'create_agent', 'execute_tool', 'invoke_workflow'])(
    'OTel GenAI %s repeats its children and counts nothing',
    (operation) => {
      expect(kindOf([text('gen_ai.operation.name', operation), int('gen_ai.usage.input_tokens', 5)])).toBe('other');
    },
  );
  test.each(['LLM', 'EMBEDDING', 'RERANKER', 'llm'])('OpenInference %s is a vendor call', (kind) => {
    expect(kindOf([text('openinference.span.kind', kind)])).toBe('vendor_call');
  });
  test.each(['CHAIN', 'AGENT', 'TOOL', 'RETRIEVER', 'GUARDRAIL', 'EVALUATOR', 'PROMPT'])(
    'OpenInference %s counts nothing',
    (kind) => {
      expect(kindOf([text('openinference.span.kind', kind), int('llm.token_count.prompt', 5)])).toBe('other');
    },
  );
  test.each([
    'ai.generateText.doGenerate',
    'ai.streamText.doStream',
    'ai.embed.doEmbed',
    'ai.embedMany.doEmbed',
    'ai.generateObject.doGenerate',
  ])('Vercel %s is a vendor call', (operation) => {
    expect(kindOf([text('ai.operationId', operation)])).toBe('vendor_call');
  });
  test.each(['ai.generateText', 'ai.streamText', 'ai.embed', 'ai.toolCall'])(
    'Vercel %s counts nothing',
    (operation) => {
      expect(kindOf([text('ai.operationId', operation)])).toBe('other');
    },
  );
});

describe('HTTP', () => {
  test.each([
    ['its host', [text('server.address', 'api.hunter.io')]],
    ['a subdomain of a host', [text('server.address', 'eu.api.tavily.com')]],
    ['its host with a port', [text('net.peer.name', 'API.hunter.io:443')]],
    ['its URL', [text('url.full', 'https://user:pw@api.hunter.io/v2/find?x=1')]],
    ['its old URL', [text('http.url', 'https://api.hunter.io')]],
    ['its peer', [text('peer.service', 'hunter.io')]],
    ['its peer, by host', [text('service.peer.name', 'api.hunter.io')]],
  ])('a CLIENT span of a counted vendor is a call, by %s', (_, attributes) => {
    const mapped = mapSpans([
      span({ parentSpanId: PARENT, kind: CLIENT, attributes: [int(ATTR.runId, 5), ...attributes] }),
    ]);
    expect(mapped.rows).toMatchObject([{ kind: 'vendor_call', calls: 1 }]);
    expect(['hunter', 'tavily']).toContain(mapped.rows[0]?.vendor);
  });
  test('a GenAI span and the HTTP span under it are one call', () => {
    const genAi = span({
      spanId: PARENT,
      kind: CLIENT,
      parentSpanId: '0102030405060708',
      attributes: [text('gen_ai.operation.name', 'chat'), text('gen_ai.provider.name', 'openai'), int(ATTR.runId, 5)],
    });
    const http = span({
      parentSpanId: PARENT,
      kind: CLIENT,
      attributes: [text('server.address', 'api.openai.com'), int('http.response.status_code', 200), int(ATTR.runId, 5)],
    });
    const { rows, otherSpans } = mapSpans([http, genAi]);
    expect(rows).toMatchObject([{ vendor: 'openai', calls: 1, spanId: PARENT }]);
    expect(otherSpans).toBe(1);
  });
  test.each([1, 2, 4, 5])('span kind %d is no call', (kind) => {
    expect(kindOf([text('server.address', 'api.hunter.io')], { kind })).toBe('other');
  });
  test('a host that nobody knows is no call', () => {
    expect(kindOf([text('server.address', 'hunter.io.example.com')], { kind: CLIENT })).toBe('other');
  });
});

describe('runs, stages and items by convention', () => {
  test('a root that names a run is one', () => {
    expect(kindOf([int('run.id', 5)], { parentSpanId: '' })).toBe('run');
  });
  test('one with a parent is not, nor a root whose resource names the run', () => {
    expect(kindOf([int('run.id', 5)])).toBe('other');
    const { outcomes } = mapSpans([span()], { resource: [int('run.id', 5)] });
    expect(outcomes[0]?.kind).toBe('other');
  });
  test('CI/CD: the pipeline run span is a run and its task spans are stages', () => {
    expect(kindOf([text('cicd.pipeline.name', 'build'), text('cicd.pipeline.result', 'success')])).toBe('run');
    expect(kindOf([text('cicd.pipeline.run.state', 'executing')])).toBe('run');
    expect(kindOf([text('cicd.pipeline.task.name', 'compile'), text('cicd.pipeline.run.id', '77')])).toBe('stage');
    expect(kindOf([text('cicd.pipeline.task.run.id', '9')])).toBe('stage');
  });
  test('a CI/CD task is the stage of its name', () => {
    const attributes = [
      text('cicd.pipeline.task.name', 'compile'),
      text('cicd.pipeline.run.id', '77'),
      text('cicd.pipeline.task.run.result', 'failure'),
    ];
    const { rows } = mapSpans([span({ parentSpanId: PARENT, attributes })]);
    expect(rows).toMatchObject([
      { kind: 'stage', event: 'start', stage: 'compile', run: { id: 77 } },
      { kind: 'stage', event: 'error', stage: 'compile', unitsTotal: 1, unitsError: 1 },
    ]);
  });
  test('a span that carries an item id is an item, unless it is CLIENT or the resource carries it', () => {
    expect(kindOf([int('company.id', 4)])).toBe('item');
    expect(kindOf([int('company.id', 4)], { kind: CLIENT })).toBe('other');
    const { outcomes } = mapSpans([span({ parentSpanId: PARENT })], { resource: [int('company.id', 4)] });
    expect(outcomes[0]?.kind).toBe('other');
  });
});

describe('other', () => {
  test('no row and no counter, but counted, and its retry and fallback events still count', () => {
    const event = (name: string) => ({ timeUs: 1_760_000_000_500_000, timeNs: 0, name, attributes: [] });
    const attributes = [int(ATTR.runId, 5), text(ATTR.stage, 'crawl')];
    const plain = mapSpans([span({ parentSpanId: PARENT, attributes })]);
    expect(plain).toMatchObject({ rows: [], otherSpans: 1, refusals: [] });
    const noisy = mapSpans([
      span({ parentSpanId: PARENT, attributes, events: [event('retry'), event('fallback'), event('other')] }),
    ]);
    expect(noisy.rows.map((row) => [row.kind, row.event, row.stage])).toEqual([
      ['event', 'fallback', 'crawl'],
      ['event', 'retry', 'crawl'],
    ]);
    expect(noisy.otherSpans).toBe(0);
  });
  test('a root of its own that names no run says so, for the rows that wait for it', () => {
    const root = span({ attributes: [int(ATTR.tenantId, 1)] });
    expect(mapSpans([root]).rootsWithoutRun).toEqual([{ tenantId: 1, traceId: root.traceId }]);
    // Tenantless spans of the same trace wait under tenant 0.
    expect(mapSpans([root], { principal: INGEST }).rootsWithoutRun).toEqual([
      { tenantId: 1, traceId: root.traceId },
      { tenantId: 0, traceId: root.traceId },
    ]);
    expect(mapSpans([span({ parentSpanId: PARENT })]).rootsWithoutRun).toEqual([]);
  });
});
