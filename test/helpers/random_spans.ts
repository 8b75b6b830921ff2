/**
 * Random span sets for the exactly-once property: runs named by integer, text or trace, spans without a run or a tenant, markers, heartbeats,
 * batches, nested calls, events, metrics, ties in time, negative durations, days that cross midnight. Seeded, so that a failure can be replayed.
 */

import type { Attribute, Span } from '../../receiver/decode/shape.ts';
import { bool, double, int, type RequestModel, span, text } from './otlp.ts';

export interface Random {
  next(): number;
  below(n: number): number;
  chance(p: number): boolean;
  pick<T>(values: readonly T[]): T;
  shuffle<T>(values: readonly T[]): T[];
  hex(digits: number): string;
}

/** mulberry32: small, seedable, good enough to shuffle with. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n: number) => Math.floor(next() * n);
  const hex = (digits: number) => Array.from({ length: digits }, () => below(16).toString(16)).join('');
  return {
    next,
    below,
    hex: (digits) => `${hex(digits - 1)}${(1 + below(15)).toString(16)}`,
    chance: (p) => next() < p,
    pick: (values) => {
      const value = values[below(values.length)];
      if (value === undefined) throw new Error('nothing to pick from');
      return value;
    },
    shuffle: (values) => {
      const out = [...values];
      for (let i = out.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [out[i], out[j]] = [out[j] as (typeof out)[number], out[i] as (typeof out)[number]];
      }
      return out;
    },
  };
}

/** All spans are to be sent with an ingest token; tenants 1 and 2. `nowUs` should be the same for every delivery of a set. */
export function randomSpans(random: Random, nowUs: number): Span[] {
  const spans: Span[] = [];
  const traces = 1 + random.below(3);
  for (let t = 0; t < traces; t++) spans.push(...randomTrace(random, nowUs, t));
  return spans;
}

const STAGES = ['mv_refresh', 'crawl', 'score', 'export_odoo', 'läng stage'];
const VENDORS = ['openai', 'tavily', 'apify_linkedin'];

function randomTrace(random: Random, nowUs: number, index: number): Span[] {
  const traceId = random.hex(32);
  const tenantId = 1 + random.below(2);
  const runName = random.pick<Attribute | null>([
    int('runledger.run.id', 100 + random.below(3)),
    text('run.id', String(100 + random.below(3))),
    text('runledger.run.id', `nightly-${index}-${random.below(2)}`),
    text('runledger.run.id', '20260823010203'),
    null,
  ]);
  // A little before midnight UTC, yesterday, so that spans fall on two days.
  const midnightUs = Math.floor(nowUs / 86_400_000_000) * 86_400_000_000;
  const startUs = midnightUs - 30_000_000 + random.below(60_000_000);
  const rootId = random.hex(16);
  const common = (force: boolean): Attribute[] => [
    ...(force || random.chance(0.75) ? [int('runledger.tenant.id', tenantId)] : []),
    ...(runName !== null && (force || random.chance(0.75)) ? [runName] : []),
  ];
  const spans: Span[] = [];
  const add = (given: Partial<Span>) => {
    spans.push(
      span({ traceId, spanId: random.hex(16), parentSpanId: rootId, ...randomTimes(random, startUs), ...given }),
    );
  };

  // The root run span, sometimes missing; its marker.
  const rootAttributes = common(true);
  const rootStartUs = startUs - 1000;
  if (random.chance(0.85)) {
    spans.push(
      span({
        traceId,
        spanId: rootId,
        parentSpanId: '',
        name: 'nightly',
        startUs: rootStartUs,
        startNs: 5,
        endUs: startUs + 60_000_000 + random.below(5),
        endNs: 7,
        statusCode: random.chance(0.3) ? 2 : 0,
        attributes: [
          text('runledger.kind', 'run'),
          text('runledger.pipeline', random.pick(['nightly', 'hourly'])),
          ...rootAttributes,
          ...(random.chance(0.5)
            ? [int('runledger.sent.items', random.below(5)), int('runledger.sent.stages', 2)]
            : []),
          ...(random.chance(0.3)
            ? [text('runledger.run.status', random.pick(['succeeded', 'cancelled', 'failed']))]
            : []),
          ...(random.chance(0.3) ? [bool('runledger.run.degraded', true)] : []),
          ...randomMetrics(random),
        ],
      }),
    );
  }
  if (random.chance(0.6)) {
    add({
      name: 'start',
      attributes: [
        text('runledger.kind', 'start'),
        text('runledger.subject.kind', 'run'),
        text('runledger.subject.span_id', rootId),
        text('runledger.subject.start_unix_nano', `${rootStartUs}005`),
        bool('runledger.subject.root', true),
        ...rootAttributes,
      ],
    });
  }
  const count = 3 + random.below(14);
  for (let i = 0; i < count; i++) addChild(random, add, common, startUs);
  return spans;
}

function addChild(
  random: Random,
  add: (given: Partial<Span>) => void,
  common: (force: boolean) => Attribute[],
  startUs: number,
): void {
  const stage = random.chance(0.7) ? [text('runledger.stage', random.pick(STAGES))] : [];
  const events = Array.from({ length: random.below(3) }, () => ({
    timeUs: random.chance(0.8) ? startUs + random.below(3) : 0,
    timeNs: random.below(2),
    name: random.pick(['retry', 'fallback', 'note', 'exception']),
    attributes: random.chance(0.4) ? [text('runledger.status', random.pick(['ok', 'error', 'retry']))] : [],
  }));
  const item = random.pick([int('company.id', random.below(5)), text('runledger.item.id', `acme-${random.below(3)}`)]);
  const statusCode = random.chance(0.25) ? 2 : 0;
  const base = { events, statusCode };
  switch (random.below(7)) {
    case 0:
      add({
        ...base,
        attributes: [
          ...common(false),
          ...stage,
          text('runledger.kind', 'stage'),
          ...randomUnit(random),
          ...randomMetrics(random),
        ],
      });
      break;
    case 1:
      add({
        ...base,
        attributes: [
          ...common(false),
          ...stage,
          item,
          text('runledger.item.bucket', random.pick(['High', 'Low'])),
          ...randomMetrics(random),
        ],
      });
      break;
    case 2:
    case 3:
      add({
        ...base,
        kind: 3,
        attributes: [
          ...common(false),
          ...stage,
          text('runledger.kind', 'vendor_call'),
          text('runledger.vendor', random.pick(VENDORS)),
          ...randomUsage(random),
          ...(random.chance(0.5) ? [item] : []),
        ],
      });
      break;
    case 4:
      add({ ...base, name: 'framework', attributes: [...common(false), ...stage] });
      break;
    case 5:
      add({
        name: 'start',
        attributes: [
          ...common(false),
          ...stage,
          text('runledger.kind', 'start'),
          text('runledger.subject.kind', 'stage'),
          text('runledger.subject.span_id', random.hex(16)),
          text('runledger.subject.start_unix_nano', `${startUs + random.below(9)}000`),
        ],
      });
      break;
    default:
      add({ attributes: [...common(true), text('runledger.kind', 'heartbeat')] });
  }
}

function randomTimes(random: Random, aroundUs: number): Pick<Span, 'startUs' | 'startNs' | 'endUs' | 'endNs'> {
  const startUs = aroundUs + random.below(4) * 10_000_000;
  const endUs = startUs + random.pick([0, 1, 1500, 2_000_000, -5, 700_123]);
  return { startUs: random.chance(0.05) ? 0 : startUs, startNs: random.below(1000), endUs, endNs: random.below(1000) };
}

function randomUnit(random: Random): Attribute[] {
  return random.pick<Attribute[]>([
    [],
    [text('runledger.stage.unit', 'items')],
    [
      text('runledger.stage.unit', 'bulk'),
      int('runledger.count.total', 10),
      int('runledger.count.error', random.below(4)),
    ],
  ]);
}

function randomUsage(random: Random): Attribute[] {
  return random.pick<Attribute[]>([
    [double('runledger.cost_usd', random.below(1000) / 1000), int('runledger.tokens_input', random.below(5000))],
    [int('runledger.calls', 50), int('runledger.errors', random.below(60)), double('runledger.cost_usd', 0.1 + 0.2)],
    [
      text('gen_ai.request.model', 'gpt-4o'),
      int('gen_ai.usage.input_tokens', 1234),
      int('gen_ai.usage.output_tokens', random.below(99)),
    ],
    [int('http.response.status_code', random.pick([200, 429, 402, 500]))],
    [bool('runledger.quota_exhausted', random.chance(0.5)), double('runledger.cost_usd', -1)],
  ]);
}

function randomMetrics(random: Random): Attribute[] {
  if (random.chance(0.6)) return [];
  return [
    double(`runledger.metric.${random.pick(['candidates_selected', 'rate'])}`, random.below(500) / 7),
    int('runledger.metric_sum.emails_found', random.below(10)),
  ];
}

/** Cuts the spans into requests of 1 to `most`, keeping their order. */
export function cutRequests(random: Random, spans: readonly Span[], most: number): RequestModel<Span>[] {
  const requests: RequestModel<Span>[] = [];
  for (let at = 0; at < spans.length; ) {
    const size = 1 + random.below(most);
    const records = spans.slice(at, at + size);
    requests.push([
      {
        resource: { attributes: [text('service.name', 'nightly'), text('service.version', '1.2.3')] },
        scopes: [{ scope: { name: 't', version: '', attributes: [] }, records }],
      },
    ]);
    at += size;
  }
  return requests;
}
