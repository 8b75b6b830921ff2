/** What a call cost: what it states, else own prices, else the list; never a guess, never a double count, the same to the last digit for everybody. */

import { calcPrice } from '@pydantic/genai-prices';
import { describe, expect, test } from 'vitest';
import type { Attribute } from '../../receiver/decode/shape.ts';
import type { Price } from '../../receiver/map/snapshot.ts';
import { ATTR } from '../../sdk/attributes.ts';
import {
  callSpan,
  extraOf,
  kindSpan,
  mainRow,
  mapSpans,
  marksOf,
  type Surroundings,
  testSnapshot,
} from '../helpers/mapping.ts';
import { double, int, text } from '../helpers/otlp.ts';

const START_US = 1_760_000_000_000_000;
const usage = (model: string, input: number, output: number, ...more: Attribute[]) => [
  text('gen_ai.request.model', model),
  int('gen_ai.usage.input_tokens', input),
  int('gen_ai.usage.output_tokens', output),
  ...more,
];
const cost = (attributes: Attribute[], around: Surroundings = {}) => mainRow(callSpan(attributes), around).costUsd;

describe('stated', () => {
  test.each([
    [double(ATTR.costUsd, 0.1), '0.1'],
    [double(ATTR.costUsd, 1e-7), '0.0000001'],
    [double(ATTR.costUsd, 1.5e-9), '0.0000000015'],
    [double(ATTR.costUsd, 0.1 + 0.2), '0.30000000000000004'],
    [int(ATTR.costUsd, 3), '3'],
    [text(ATTR.costUsd, '0.250'), '0.25'],
    [double(ATTR.costUsd, 0), '0'],
    [double(ATTR.costUsd, -0), '0'],
    [double(ATTR.costUsd, 1e6), '1000000'],
    [double('llm.cost.total', 0.5), '0.5'],
    [double('gen_ai.usage.cost', 0.5), '0.5'],
  ])('%o is %s', (attribute, expected) => {
    expect(cost([attribute])).toBe(expected);
  });
  test('wins over every price, and no price is noted', () => {
    expect(mainRow(callSpan(usage('gpt-4o', 1000, 100, double(ATTR.costUsd, 9))))).toMatchObject({
      costUsd: '9',
      priceId: null,
    });
  });
  test.each([
    [double(ATTR.costUsd, -1), '-1'],
    [double(ATTR.costUsd, Number.NaN), 'NaN'],
    [double(ATTR.costUsd, Number.POSITIVE_INFINITY), 'Infinity'],
    [double(ATTR.costUsd, 1_000_000.5), '1000000.5'],
    [text(ATTR.costUsd, 'much'), 'much'],
  ])('%o is kept in extra and not summed', (attribute, kept) => {
    const row = mainRow(callSpan(usage('gpt-4o', 1000, 100, attribute)));
    expect(row).toMatchObject({ costUsd: null, priceId: null });
    expect(extraOf(row).cost_usd).toBe(kept);
    expect(marksOf(row)).toEqual(['cost_ignored']);
  });
});

describe('by the list', () => {
  test('model, provider and tokens', () => {
    expect(mainRow(callSpan(usage('gpt-4o', 1000, 100)))).toMatchObject({
      costUsd: '0.0035',
      priceId: 'genai-prices:openai/gpt-4o',
    });
  });
  test("the answer's model wins over the asked one", () => {
    const row = mainRow(callSpan([...usage('gpt-4o', 1000, 100), text('gen_ai.response.model', 'gpt-4o-mini')]));
    expect(row.priceId).toBe('genai-prices:openai/gpt-4o-mini');
  });
  test.each([
    [
      'cached tokens are in the input and cost less',
      [int('gen_ai.usage.cache_read.input_tokens', 400)],
      { cache_read_tokens: 400 },
    ],
    ['reasoning tokens are in the output', [int('gen_ai.usage.reasoning.output_tokens', 90)], {}],
    [
      'no more is cached than was sent',
      [int('gen_ai.usage.cache_read.input_tokens', 5000)],
      { cache_read_tokens: 1000 },
    ],
  ])('%s', (_, more, cached) => {
    const expected = calcPrice({ input_tokens: 1000, output_tokens: 100, ...cached }, 'gpt-4o', {
      providerId: 'openai',
      timestamp: new Date(START_US / 1000),
    });
    expect(Number(cost(usage('gpt-4o', 1000, 100, ...more)))).toBeCloseTo(expected?.total_price ?? 0, 12);
  });
  test.each([
    'gpt-4o',
    'gpt-4o-mini',
    'claude-sonnet-4-5',
    'gemini-2.5-pro',
    'deepseek-chat',
    'mistral-large-latest',
    'sonar',
    'text-embedding-3-small',
    'grok-3',
    'command-r',
  ])(
    '%s: what the list itself computes, also where long contexts cost more and where a call costs something by itself',
    (model) => {
      const provider =
        {
          'claude-sonnet-4-5': 'anthropic',
          'gemini-2.5-pro': 'google',
          'deepseek-chat': 'deepseek',
          'mistral-large-latest': 'mistral',
          sonar: 'perplexity',
          'grok-3': 'x-ai',
          'command-r': 'cohere',
        }[model] ?? 'openai';
      for (const input of [1, 999, 199_999, 200_000, 200_001, 500_000]) {
        const output = model.startsWith('text-embedding') ? 0 : 77;
        const expected = calcPrice({ input_tokens: input, output_tokens: output }, model, {
          providerId: provider,
          timestamp: new Date(START_US / 1000),
        });
        expect(expected).not.toBeNull();
        const got = cost([text('gen_ai.provider.name', provider), ...usage(model, input, output)]);
        expect(Number(got)).toBeCloseTo(expected?.total_price ?? -1, 11);
      }
    },
  );
  test.each([
    ['x_ai', 'grok-3', 'x-ai/grok-3'],
    ['gcp.gemini', 'gemini-2.0-flash', 'google/gemini-2.0-flash'],
    ['gcp.vertex_ai', 'gemini-2.0-flash', 'google/gemini-2.0-flash'],
    ['openai.responses', 'gpt-4o', 'openai/gpt-4o'],
    ['mistral_ai', 'mistral-large-latest', 'mistral/mistral-large'],
  ])('conventions call it %s', (provider, model, id) => {
    const row = mainRow(kindSpan('vendor_call', [text('gen_ai.provider.name', provider), ...usage(model, 10, 10)]));
    expect(row.priceId).toBe(`genai-prices:${id}`);
  });
  test.each<[string, Attribute[]]>([
    ['unknown model', usage('gpt-999', 10, 10)],
    [
      'unknown provider',
      [text('gen_ai.provider.name', 'basement'), text(ATTR.vendor, 'basement'), ...usage('gpt-4o', 10, 10)],
    ],
    ['no tokens', [text('gen_ai.request.model', 'gpt-4o')]],
    ['no model', [int('gen_ai.usage.input_tokens', 5)]],
    ['output of a model that has no price for it', usage('text-embedding-3-small', 5, 5)],
  ])('%s: not known, never 0', (_, attributes) => {
    const one = kindSpan('vendor_call', [text(ATTR.vendor, 'openai'), ...attributes]);
    const vendorLast = mainRow({ ...one, attributes: one.attributes });
    expect(vendorLast).toMatchObject({ costUsd: null, priceId: null });
  });
  test('of the day it happened: deepseek-chat became dearer in February 2025', () => {
    const snapshot = testSnapshot({ retentionFloorUs: 0 });
    const on = (day: number) =>
      mainRow(
        callSpan([text('gen_ai.provider.name', 'deepseek'), ...usage('deepseek-chat', 100_000, 0)], {
          startUs: 0,
          endUs: day * 1000,
        }),
        { snapshot },
      ).costUsd;
    for (const day of [Date.UTC(2025, 0, 10, 12), Date.UTC(2025, 4, 10, 12)]) {
      const expected = calcPrice({ input_tokens: 100_000, output_tokens: 0 }, 'deepseek-chat', {
        providerId: 'deepseek',
        timestamp: new Date(day),
      });
      expect(Number(on(day))).toBeCloseTo(expected?.total_price ?? -1, 11);
    }
  });
  test('of the minute it happened, whichever call of that hour was priced first', () => {
    const snapshot = testSnapshot({ retentionFloorUs: 0 });
    const minute = (hours: number, minutes: number) => Date.UTC(2025, 5, 1, hours, minutes) * 1000;
    const call = (endUs: number) =>
      callSpan([text('gen_ai.provider.name', 'deepseek'), ...usage('deepseek-chat', 100_000, 0)], {
        startUs: 0,
        endUs,
      });
    const times = [minute(0, 5), minute(0, 29), minute(0, 31), minute(16, 29), minute(16, 31), minute(16, 59)];
    const costs = (order: number[]) =>
      mapSpans(order.map(call), { snapshot })
        .rows.map((row) => `${row.tsUs} ${row.costUsd}`)
        .sort();
    expect(costs([...times].reverse())).toEqual(costs(times));
    const expected = times.map(
      (us) =>
        calcPrice({ input_tokens: 100_000, output_tokens: 0 }, 'deepseek-chat', {
          providerId: 'deepseek',
          timestamp: new Date(us / 1000),
        })?.total_price,
    );
    expect(costs(times).map((line) => Number(line.split(' ')[1]))).toEqual(expected);
    expect(new Set(expected).size).toBe(2);
  });
});

describe('own prices', () => {
  const price = (given: Partial<Price>): Price => ({
    id: '1',
    tenantId: null,
    vendor: 'openai',
    model: null,
    unit: 'call',
    amountUsd: '0.01',
    fromUs: Number.NEGATIVE_INFINITY,
    ...given,
  });
  const withPrices = (...prices: Price[]) => ({ snapshot: testSnapshot({ prices }) });

  test('beat the list', () => {
    expect(mainRow(callSpan(usage('gpt-4o', 1000, 100)), withPrices(price({})))).toMatchObject({
      costUsd: '0.01',
      priceId: 'own:1',
    });
  });
  test("a tenant's beats everybody's, and another tenant's is none", () => {
    const prices = [
      price({ id: 'all' }),
      price({ id: 'mine', tenantId: 1, amountUsd: '0.02' }),
      price({ id: 'theirs', tenantId: 2, amountUsd: '0.03' }),
    ];
    expect(mainRow(callSpan(), withPrices(...prices)).priceId).toBe('own:mine');
    expect(mainRow(callSpan(), { ...withPrices(...prices.slice(0, 1), ...prices.slice(2)) }).priceId).toBe('own:all');
  });
  test("a model's beats the vendor's", () => {
    const prices = [price({ id: 'any' }), price({ id: 'model', model: 'gpt-4o', amountUsd: '0.02' })];
    expect(mainRow(callSpan(usage('gpt-4o', 1, 1)), withPrices(...prices)).priceId).toBe('own:model');
    expect(mainRow(callSpan(usage('gpt-4o-mini', 1, 1)), withPrices(...prices)).priceId).toBe('own:any');
  });
  test('the newest that was valid when it happened', () => {
    const end = START_US + 1_500_000;
    const prices = [
      price({ id: 'new', fromUs: end + 1 }),
      price({ id: 'then', fromUs: end, amountUsd: '0.02' }),
      price({ id: 'old', fromUs: 0 }),
    ];
    expect(mainRow(callSpan(), withPrices(...prices)).priceId).toBe('own:then');
  });
  test('per call, unit and token, summed exactly', () => {
    const prices = [
      price({ id: 'c', amountUsd: '0.005' }),
      price({ id: 'u', unit: 'unit', amountUsd: '0.1' }),
      price({ id: 'i', unit: 'token_input', amountUsd: '0.0000003' }),
      price({ id: 'o', unit: 'token_output', amountUsd: '0.0000007' }),
    ];
    const attributes = [int(ATTR.calls, 3), int(ATTR.units, 7), int(ATTR.tokensInput, 11), int(ATTR.tokensOutput, 13)];
    expect(mainRow(callSpan(attributes), withPrices(...prices))).toMatchObject({
      costUsd: '0.7150124',
      priceId: 'own:c+u+i+o',
    });
  });
  test('priced by units that the span does not state: not known', () => {
    expect(mainRow(callSpan(), withPrices(price({ unit: 'unit' })))).toMatchObject({ costUsd: null, priceId: null });
  });
  test.each([
    ['0.0000000000005', 1, '0'],
    ['0.0000000000015', 1, '0.000000000002'],
    ['0.0000000000025', 1, '0.000000000002'],
    ['0.00000000000251', 1, '0.000000000003'],
    ['0.0000000000001', 5, '0'],
    ['0.0000000000003', 5, '0.000000000002'],
    ['123.456', 1_000_000_000, '123456000000'],
  ])('%s x %d is %s: half even at 12 decimals', (amountUsd, calls, expected) => {
    expect(cost([int(ATTR.calls, calls)], withPrices(price({ amountUsd })))).toBe(expected);
  });
});
