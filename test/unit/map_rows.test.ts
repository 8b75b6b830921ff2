/** The rows of every kind and what each adds to a counter. */

import { describe, expect, test } from 'vitest';
import type { Attribute, Span } from '../../receiver/decode/shape.ts';
import { ATTR } from '../../sdk/attributes.ts';
import { callSpan, extraOf, kindSpan, mainRow, mapSpans, marksOf } from '../helpers/mapping.ts';
import { bool, double, int, span, text } from '../helpers/otlp.ts';

const ERROR = 2;
const NOTHING = {
  calls: 0,
  errors: 0,
  unitsTotal: 0,
  unitsSuccess: 0,
  unitsError: 0,
  rateLimitHits: 0,
  quotaExhausted: false,
  costUsd: null,
  tokensInput: 0,
  tokensOutput: 0,
};
const units = (total: number, success: number, error: number) => ({
  ...NOTHING,
  unitsTotal: total,
  unitsSuccess: success,
  unitsError: error,
});

describe('run', () => {
  const run = (attributes: Attribute[] = [], given: Partial<Span> = {}) =>
    mapSpans([span({ attributes: [text(ATTR.kind, 'run'), int(ATTR.runId, 5), ...attributes], ...given })]).rows;

  test('start and finish in stage _run, which add nothing', () => {
    const rows = run();
    expect(rows).toMatchObject([
      { kind: 'run', stage: '_run', event: 'start', status: 'ok', seq: 0, ...NOTHING },
      { kind: 'run', stage: '_run', event: 'finish', status: 'ok', seq: 1, ...NOTHING },
    ]);
    expect(rows.map((row) => row.facts?.status)).toEqual(['running', 'succeeded']);
  });
  test('error where it failed', () => {
    expect(run([text('error.type', 'Crash')], { statusCode: ERROR })[1]).toMatchObject({
      event: 'error',
      status: 'error',
      errorCode: 'Crash',
      facts: { status: 'failed' },
    });
  });
});

describe('stage', () => {
  const stage = (attributes: Attribute[] = [], given: Partial<Span> = {}) =>
    mapSpans([kindSpan('stage', attributes, given)]).rows;
  const bulk = (...counts: Attribute[]) => stage([text(ATTR.stageUnit, 'bulk'), ...counts])[1];

  test.each<[string, Attribute[], Partial<Span>, object]>([
    ['by default one unit', [], {}, { event: 'finish', status: 'ok', ...units(1, 1, 0) }],
    ['self: one unit', [text(ATTR.stageUnit, 'self')], {}, units(1, 1, 0)],
    ['failed', [], { statusCode: ERROR }, { event: 'error', status: 'error', ...units(1, 0, 1) }],
    ['skipped', [text(ATTR.status, 'skip')], {}, { event: 'finish', status: 'skip', ...units(1, 0, 0) }],
    ['items: nothing', [text(ATTR.stageUnit, 'items')], {}, units(0, 0, 0)],
    [
      'items that fail: nothing',
      [text(ATTR.stageUnit, 'items')],
      { statusCode: ERROR },
      { event: 'error', ...units(0, 0, 0) },
    ],
  ])('%s', (_, attributes, given, expected) => {
    const rows = stage(attributes, given);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({ event: 'start', status: 'ok', seq: 0, stage: 'crawl', ...NOTHING });
    expect(rows[1]).toMatchObject({ kind: 'stage', seq: 1, stage: 'crawl', ...expected });
  });
  test('bulk: the numbers that it states', () => {
    const counts = [int(ATTR.countTotal, 100), int(ATTR.countSuccess, 60), int(ATTR.countError, 30)];
    expect(bulk(...counts)).toMatchObject(units(100, 60, 30));
    expect(bulk(text(ATTR.countTotal, '7'), double(ATTR.countSuccess, 7), int(ATTR.countError, 0))).toMatchObject(
      units(7, 7, 0),
    );
  });
  test('bulk: numbers that are none, or do not fit together, are marked', () => {
    expect(marksOf(bulk(int(ATTR.countTotal, -1)))).toEqual(['count_ignored']);
    expect(marksOf(bulk(int(ATTR.countTotal, 5), int(ATTR.countSuccess, 4), int(ATTR.countError, 3)))).toEqual([
      'count_mismatch',
    ]);
  });
  test('counts without bulk mean nothing', () => {
    expect(stage([int(ATTR.countTotal, 100)])[1]).toMatchObject(units(1, 1, 0));
  });
});

describe('item', () => {
  test.each<[string, Attribute[], Partial<Span>, object]>([
    ['finish', [], {}, { event: 'finish', status: 'ok', ...units(1, 1, 0) }],
    ['error', [], { statusCode: ERROR }, { event: 'error', status: 'error', errorCode: 'ERROR', ...units(1, 0, 1) }],
    ['skip', [text(ATTR.status, 'skip')], {}, { event: 'skip', status: 'skip', ...units(1, 0, 0) }],
    ['stated error', [text(ATTR.status, 'error')], {}, { event: 'error', ...units(1, 0, 1) }],
    [
      'stated ok wins over the span',
      [text(ATTR.status, 'ok')],
      { statusCode: ERROR },
      { event: 'finish', ...units(1, 1, 0) },
    ],
    ['a status that is none is ignored', [text(ATTR.status, 'fine')], { statusCode: ERROR }, { event: 'error' }],
  ])('one unit: %s', (_, attributes, given, expected) => {
    const { rows } = mapSpans([kindSpan('item', [int(ATTR.itemId, 9), ...attributes], given)]);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ kind: 'item', seq: 1, companyId: 9, ...expected });
  });
  test('its bucket, cut at 16', () => {
    expect(mainRow(kindSpan('item', [text(ATTR.itemBucket, 'High')])).bucket).toBe('High');
    expect(mainRow(kindSpan('item', [text(ATTR.itemBucket, '漢'.repeat(20))])).bucket).toBe('漢'.repeat(16));
  });
});

describe('vendor_call', () => {
  const row = (attributes: Attribute[] = [], given: Partial<Span> = {}) => mainRow(callSpan(attributes, given));
  const usage = (calls: number, errors: number, rateLimitHits: number, quotaExhausted: boolean) => ({
    calls,
    errors,
    rateLimitHits,
    quotaExhausted,
  });
  const HTTP = 'http.response.status_code';

  test.each<[string, Attribute[], Partial<Span>, object]>([
    ['one call', [], {}, { status: 'ok', errorCode: null, ...usage(1, 0, 0, false) }],
    ['that failed', [], { statusCode: ERROR }, { status: 'error', ...usage(1, 1, 0, false) }],
    ['by HTTP status', [int(HTTP, 500)], {}, { status: 'error', errorCode: 'HTTP_500', ...usage(1, 1, 0, false) }],
    ['by old HTTP status', [int('http.status_code', 404)], {}, { errorCode: 'HTTP_404', ...usage(1, 1, 0, false) }],
    ['429 is a call, an error and a hit', [int(HTTP, 429)], {}, { errorCode: 'HTTP_429', ...usage(1, 1, 1, false) }],
    ['429 by error.type', [text('error.type', '429')], { statusCode: ERROR }, usage(1, 1, 1, false)],
    ['402 says quota', [int(HTTP, 402)], {}, { errorCode: 'HTTP_402', ...usage(1, 1, 0, true) }],
    [
      'insufficient_quota says quota',
      [text('error.code', 'insufficient_quota')],
      { statusCode: ERROR },
      { errorCode: 'insufficient_quota', ...usage(1, 1, 0, true) },
    ],
    [
      'insufficient_quota under 429 is both',
      [int(HTTP, 429), text('error.code', 'insufficient_quota')],
      {},
      usage(1, 1, 1, true),
    ],
    [
      "the vendor's code counts behind a code of the pipeline's own",
      [text(ATTR.errorCode, 'BUDGET'), text('error.type', 'insufficient_quota')],
      { statusCode: ERROR },
      { errorCode: 'BUDGET', ...usage(1, 1, 0, true) },
    ],
    ['quota by its attribute', [bool(ATTR.quotaExhausted, true)], {}, usage(1, 0, 0, true)],
    ['a batch states its own', [int(ATTR.calls, 50), int(ATTR.errors, 3)], {}, usage(50, 3, 0, false)],
    ['a batch that failed', [int(ATTR.calls, 50)], { statusCode: ERROR }, usage(50, 1, 0, false)],
    ['errors never exceed calls', [int(ATTR.calls, 2), int(ATTR.errors, 9)], {}, usage(2, 2, 0, false)],
    ['not even when no call is stated', [int(ATTR.calls, 0)], { statusCode: ERROR }, usage(0, 0, 0, false)],
    [
      'three tries are one call with two hits',
      [int(ATTR.calls, 1), int(ATTR.errors, 0), int(ATTR.rateLimitHits, 2)],
      {},
      usage(1, 0, 2, false),
    ],
    ['a count that is none is ignored', [int(ATTR.calls, -4), double(ATTR.errors, 0.5)], {}, usage(1, 0, 0, false)],
  ])('%s', (_, attributes, given, expected) => {
    expect(row(attributes, given)).toMatchObject({
      kind: 'vendor_call',
      event: 'vendor_call',
      seq: 1,
      unitsTotal: 0,
      ...expected,
    });
  });
  test('what is ignored is marked', () => {
    expect(
      marksOf(row([int(ATTR.calls, -4), text(ATTR.tokensInput, '12 tokens'), int(ATTR.tokensOutput, 10n ** 18n)])),
    ).toEqual(['calls_ignored', 'tokensInput_ignored', 'tokensOutput_ignored']);
  });
  test.each([
    ['ours', [int(ATTR.tokensInput, 5), int(ATTR.tokensOutput, 2)]],
    ['GenAI', [int('gen_ai.usage.input_tokens', 5), int('gen_ai.usage.output_tokens', 2)]],
    ['older GenAI', [int('gen_ai.usage.prompt_tokens', 5), int('gen_ai.usage.completion_tokens', 2)]],
    ['OpenInference', [int('llm.token_count.prompt', 5), int('llm.token_count.completion', 2)]],
    ['Vercel', [int('ai.usage.inputTokens', 5), int('ai.usage.outputTokens', 2)]],
    [
      'two dialects on one span count once',
      [
        int('gen_ai.usage.input_tokens', 5),
        int('llm.token_count.prompt', 5),
        int('gen_ai.usage.completion_tokens', 2),
        int('gen_ai.usage.output_tokens', 2),
      ],
    ],
    [
      'cached and reasoning tokens are in them',
      [
        int('gen_ai.usage.input_tokens', 5),
        int('gen_ai.usage.output_tokens', 2),
        int('gen_ai.usage.cache_read.input_tokens', 4),
        int('gen_ai.usage.reasoning.output_tokens', 1),
      ],
    ],
  ])('tokens: %s', (_, attributes) => {
    expect(row(attributes)).toMatchObject({ tokensInput: 5, tokensOutput: 2 });
  });

  test.each([
    ['OpenAI', 'openai'],
    ['gcp.gemini', 'google'],
    ['api.hunter.io', 'hunter'],
    ['openai.responses', 'openai'],
    ['Some Vendor', 'some vendor'],
    ['  ', 'unknown'],
  ])('vendor %s is %s', (name, vendor) => {
    expect(mainRow(kindSpan('vendor_call', [text(ATTR.vendor, name)])).vendor).toBe(vendor);
  });
  test('a call that nobody names is of the vendor unknown', () => {
    expect(mainRow(kindSpan('vendor_call')).vendor).toBe('unknown');
  });
  test('a host that the table knows wins over a peer that it does not', () => {
    const attributes = [text('peer.service', 'enrichment-api'), text('server.address', 'api.hunter.io')];
    expect(mainRow(kindSpan('vendor_call', attributes)).vendor).toBe('hunter');
  });
});

describe('nested calls', () => {
  const within = (attributes: Attribute[], given: Partial<Span> = {}) =>
    mapSpans([
      span({ parentSpanId: '00f067aa0ba902b7', kind: 3, attributes: [int(ATTR.runId, 5), ...attributes], ...given }),
    ]);

  test.each<[string, Attribute[]]>([
    ['HTTP', [text(ATTR.within, 'lusha'), text('server.address', 'api.hunter.io'), text('http.request.method', 'GET')]],
    [
      'HTTP by status only',
      [text(ATTR.within, 'lusha'), text('server.address', 'api.hunter.io'), int('http.status_code', 429)],
    ],
    [
      'a call of the same vendor',
      [text(ATTR.within, 'openai'), text('gen_ai.operation.name', 'chat'), text('gen_ai.system', 'openai')],
    ],
    [
      'the same vendor by another name',
      [text(ATTR.within, 'Google'), text('gen_ai.operation.name', 'chat'), text('gen_ai.provider.name', 'gcp.gemini')],
    ],
    ['HTTP that carries an item id', [text(ATTR.within, 'lusha'), int(ATTR.itemId, 7), int('http.status_code', 200)]],
  ])('%s makes no row', (_, attributes) => {
    const mapped = within(attributes, attributes.some(({ key }) => key === ATTR.itemId) ? { kind: 1 } : {});
    expect(mapped.rows).toEqual([]);
    expect(mapped.otherSpans).toBe(1);
    expect(mapped.outcomes[0]?.nestedIn).toBe(attributes[0]?.value);
  });
  test('a call of another vendor counts', () => {
    const mapped = within([
      text(ATTR.within, 'lusha'),
      text('gen_ai.operation.name', 'chat'),
      text('gen_ai.system', 'openai'),
    ]);
    expect(mapped.rows).toMatchObject([{ vendor: 'openai', calls: 1 }]);
  });
});

describe('error_code', () => {
  const exception = (type: string, timeUs: number) => ({
    timeUs,
    timeNs: 0,
    name: 'exception',
    attributes: [text('exception.type', type)],
  });
  const ALL = [
    text(ATTR.errorCode, 'OURS'),
    text('error.code', 'vendor_code'),
    int('http.response.status_code', 503),
    text('error.type', 'TypeError'),
  ];
  const events = [exception('Last', 1_760_000_001_000_000), exception('First', 1_760_000_000_000_000)];

  test.each<[string, Attribute[], Span['events'], string]>([
    ['ours', ALL, events, 'OURS'],
    ["the vendor's own", ALL.slice(1), events, 'vendor_code'],
    ['the HTTP status', ALL.slice(2), events, 'HTTP_503'],
    ['error.type', ALL.slice(3), events, 'TypeError'],
    ["the last exception's type", [], events, 'Last'],
    ['ERROR', [], [], 'ERROR'],
  ])('%s', (_, attributes, spanEvents, code) => {
    const row = mainRow(callSpan(attributes, { statusCode: ERROR, events: spanEvents }));
    expect(row.errorCode).toBe(code);
  });
  test('is cut at 64 characters, and absent where nothing failed', () => {
    expect(mainRow(callSpan([text(ATTR.errorCode, '漢'.repeat(70))], { statusCode: ERROR })).errorCode).toBe(
      '漢'.repeat(64),
    );
    expect(mainRow(callSpan([text(ATTR.errorCode, 'LEFT_OVER')])).errorCode).toBeNull();
  });
  test('an HTTP status below 400 is no code', () => {
    expect(mainRow(callSpan([int('http.response.status_code', 200)], { statusCode: ERROR })).errorCode).toBe('ERROR');
  });
});

describe('span events', () => {
  const event = (name: string, attributes: Attribute[] = [], timeUs = 1_760_000_000_500_000) => ({
    timeUs,
    timeNs: 0,
    name,
    attributes,
  });
  const eventRows = (...events: Span['events']) =>
    mapSpans([kindSpan('item', [], { events })]).rows.filter((row) => row.kind === 'event');

  test('retry and fallback make rows, and any that states a status; others make none', () => {
    const rows = eventRows(
      event('retry'),
      event('fallback'),
      event('cached', [text(ATTR.status, 'skip')]),
      event('note', [text('a', 'b')]),
    );
    expect(rows.map((row) => [row.event, row.status])).toEqual([
      ['cached', 'skip'],
      ['fallback', 'ok'],
      ['retry', 'retry'],
    ]);
    expect(rows.every((row) => row.unitsTotal + row.calls === 0)).toBe(true);
  });
  test('exception events only feed error_code', () => {
    expect(eventRows(event('exception', [text(ATTR.status, 'error'), text('exception.type', 'Boom')]))).toEqual([]);
  });
  test('an event may name its own stage and item, and its code', () => {
    const [row] = eventRows(
      event('retry', [
        text(ATTR.stage, 'score'),
        int(ATTR.itemId, 3),
        text(ATTR.errorCode, 'HTTP_503'),
        int('attempt', 2),
      ]),
    );
    expect(row).toMatchObject({ stage: 'score', companyId: 3, errorCode: 'HTTP_503' });
    expect(extraOf(row)).toEqual({ attempt: 2 });
  });
});

describe('stage of a row', () => {
  test("is the span's own attribute, else its resource's, else unassigned", () => {
    expect(mainRow(callSpan()).stage).toBe('crawl');
    const bare = span({ attributes: [text(ATTR.kind, 'item')] });
    expect(mainRow(bare).stage).toBe('unassigned');
    expect(mainRow(bare, { resource: [text(ATTR.stage, 'score')] }).stage).toBe('score');
  });
  test('_run is ours', () => {
    expect(mainRow(span({ attributes: [text(ATTR.kind, 'item'), text(ATTR.stage, '_run')] })).stage).toBe('unassigned');
  });
});
