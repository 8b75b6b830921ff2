/**
 * Load with known totals: runs of several tenants with unique spans, cut into requests that mix runs. What each span must add is stated here,
 * beside the span, and not taken from the receiver's mapping: this is the independent side of every comparison.
 */
import type { Attribute, Encoding, Span } from '../../receiver/decode/shape.ts';
import { double, int, span, text, traceBody } from './otlp.ts';
import type { Random } from './random_spans.ts';

export const TENANTS = [11, 12, 13] as const;
const STAGES = ['crawl', 'score', 'export_odoo'];
// None of the vendors that have aliases or prices: the names must come back as they are.
const VENDORS = ['vendor_a', 'vendor_b', 'vendor_c'];

export interface LoadSpan {
  run: LoadRun;
  spanId: string;
  kind: 'run' | 'stage' | 'item' | 'vendor_call';
  stage: string;
  vendor: string;
  failed: boolean;
  durationMs: number;
  calls: number;
  errors: number;
  hits: number;
  tokensInput: number;
  tokensOutput: number;
  costMicroUsd: number;
  retries: number;
  emailsFound: number;
  /** Without a run of its own it waits for the root of its trace. */
  namesRun: boolean;
  /** An answer 200 for a request with it came back. */
  acknowledged: boolean;
}

export interface LoadRun {
  tenantId: number;
  /** As senders name it: a decimal id, or a key. */
  name: string;
  traceId: string;
  startUs: number;
  spans: LoadSpan[];
}

export interface LoadRequest {
  spans: LoadSpan[];
  encoding: Encoding;
  /** Tried once and left: whether it is stored is not known. */
  mayBeLeft: boolean;
}

export interface LoadShape {
  spansPerRunMax: number;
  spansPerRequestMax: number;
  runsAtOnce: number;
}

let runs = 0;

/** Some runs, with their spans shuffled together and cut into requests. */
export function makeLoad(random: Random, shape: LoadShape): { runs: LoadRun[]; requests: LoadRequest[] } {
  const made = Array.from({ length: shape.runsAtOnce }, () => makeRun(random, shape.spansPerRunMax));
  const spans = random.shuffle(made.flatMap((run) => run.spans));
  const requests: LoadRequest[] = [];
  for (let at = 0; at < spans.length; ) {
    const most = random.pick([1, 10, 100, shape.spansPerRequestMax]);
    const part = spans.slice(at, at + 1 + random.below(Math.min(most, shape.spansPerRequestMax)));
    at += part.length;
    const holdsRoot = part.some(({ kind }) => kind === 'run');
    requests.push({
      spans: part,
      encoding: random.chance(0.7) ? 'protobuf' : 'json',
      mayBeLeft: !holdsRoot && random.chance(0.08),
    });
  }
  return { runs: made, requests };
}

function makeRun(random: Random, spansMax: number): LoadRun {
  runs++;
  const run: LoadRun = {
    tenantId: random.pick(TENANTS),
    // The same names come for several tenants; they are different runs.
    name: random.chance(0.5) ? String(1_000 + runs) : `nightly ${runs}`,
    traceId: random.hex(32),
    startUs: Date.now() * 1000 - 3_600_000_000,
    spans: [],
  };
  const children = 5 + random.below(spansMax);
  for (let i = 0; i < children; i++) run.spans.push(makeSpan(random, run));
  run.spans.push({ ...blankSpan(run, random.hex(16)), kind: 'run', stage: '_run', namesRun: true, durationMs: 60_000 });
  return run;
}

function makeSpan(random: Random, run: LoadRun): LoadSpan {
  const kind = random.pick(['stage', 'item', 'item', 'item', 'vendor_call', 'vendor_call'] as const);
  const made: LoadSpan = {
    ...blankSpan(run, random.hex(16)),
    kind,
    stage: random.pick(STAGES),
    failed: random.chance(0.1),
    durationMs: random.below(5_000),
    retries: random.chance(0.1) ? 1 + random.below(2) : 0,
    emailsFound: random.chance(0.2) ? random.below(5) : 0,
    namesRun: random.chance(0.8),
  };
  if (kind !== 'vendor_call') return made;
  const calls = 1 + random.below(20);
  return {
    ...made,
    vendor: random.pick(VENDORS),
    calls,
    errors: random.below(calls + 1),
    hits: random.below(3),
    tokensInput: random.below(10_000),
    tokensOutput: random.below(2_000),
    costMicroUsd: random.below(900_000),
  };
}

function blankSpan(run: LoadRun, spanId: string): LoadSpan {
  return {
    run,
    spanId,
    kind: 'item',
    stage: '',
    vendor: '',
    failed: false,
    durationMs: 0,
    calls: 0,
    errors: 0,
    hits: 0,
    tokensInput: 0,
    tokensOutput: 0,
    costMicroUsd: 0,
    retries: 0,
    emailsFound: 0,
    namesRun: true,
    acknowledged: false,
  };
}

/** The request as an exporter would send it. */
export function loadBody({ spans, encoding }: LoadRequest): Uint8Array {
  const records = spans.map(otlpSpan);
  const scope = { name: 'load', version: '', attributes: [] };
  const resource = { attributes: [text('service.name', 'enrich')] };
  return traceBody([{ resource, scopes: [{ scope, records }] }], encoding);
}

/** The span as its sender would send it. */
export function otlpSpan(own: LoadSpan): Span {
  const { run } = own;
  const endUs = run.startUs + own.durationMs * 1000;
  const root = own.run.spans.at(-1);
  return span({
    traceId: run.traceId,
    spanId: own.spanId,
    parentSpanId: own.kind === 'run' ? '' : (root?.spanId ?? ''),
    name: own.kind,
    startUs: run.startUs,
    startNs: 0,
    endUs,
    endNs: 0,
    statusCode: own.failed ? 2 : 0,
    attributes: attributesOf(own),
    events: Array.from({ length: own.retries }, (_, index) => ({
      timeUs: run.startUs + index + 1,
      timeNs: 0,
      name: 'retry',
      attributes: [],
    })),
  });
}

function attributesOf(own: LoadSpan): Attribute[] {
  const { run } = own;
  const attributes = [text('runledger.kind', own.kind), int('runledger.tenant.id', run.tenantId)];
  if (own.namesRun) attributes.push(text('runledger.run.id', run.name));
  if (own.kind === 'run') {
    const count = (kind: string) => run.spans.filter((other) => other.kind === kind).length;
    attributes.push(
      text('runledger.pipeline', 'nightly'),
      int('runledger.sent.stages', count('stage')),
      int('runledger.sent.items', count('item')),
      int('runledger.sent.vendor_calls', count('vendor_call')),
    );
    return attributes;
  }
  attributes.push(text('runledger.stage', own.stage));
  if (own.emailsFound > 0) attributes.push(int('runledger.metric_sum.emails_found', own.emailsFound));
  if (own.kind === 'item') attributes.push(text('runledger.item.id', own.spanId));
  if (own.kind === 'vendor_call') {
    attributes.push(
      text('runledger.vendor', own.vendor),
      int('runledger.calls', own.calls),
      int('runledger.errors', own.errors),
      int('runledger.rate_limit_hits', own.hits),
      int('runledger.tokens_input', own.tokensInput),
      int('runledger.tokens_output', own.tokensOutput),
      double('runledger.cost_usd', own.costMicroUsd / 1e6),
    );
  }
  return attributes;
}

/** The rows that a span makes, by seq: run and stage spans have a start, each event one more. */
export function rowsOf({ kind, retries }: LoadSpan): number[] {
  const own = kind === 'run' || kind === 'stage' ? [0, 1] : [1];
  return [...own, ...Array.from({ length: retries }, (_, index) => 2 + index)];
}
