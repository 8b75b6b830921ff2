/**
 * Payloads that real exporters wrote, through decode, map and write: as they are, and with their times moved into what is kept; by a
 * tenant's token and by an ingest token. What becomes of every span is written down here, file by file.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { checkMetrics, decodeLogs, decodeTraces } from '../../receiver/decode/decode.ts';
import { type Attribute, DecodeError, type Encoding, type LogRecord, type Span } from '../../receiver/decode/shape.ts';
import { createIngest } from '../../receiver/ingest.ts';
import type { Ingest, IngestResult } from '../../receiver/ingest_types.ts';
import type { Principal } from '../../receiver/map/snapshot.ts';
import { createSnapshotSource, type SnapshotSource } from '../../receiver/store/snapshot.ts';
import { ATTR } from '../../sdk/attributes.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { type Ledger, openLedger } from '../helpers/ledger.ts';
import { double, drain, int, logBody, type RequestModel, requestWith, span, text, traceBody } from '../helpers/otlp.ts';

const FIXTURES = new URL('../fixtures/otlp/', import.meta.url);
const JAVA = 'opentelemetry-java/exporters_logging-otlp_src_test_resources_expected-';
const RUST = 'opentelemetry-rust/opentelemetry-otlp_tests_integration_test_expected_';
const PROTO = 'opentelemetry-proto/examples_';
const PARQUET = 'otlp2parquet/testdata_';

/** `row KIND`: stored; parked: waits for its run; other: makes no row; refused REASON: never kept. */
type Fate = 'row vendor_call' | 'parked' | 'other' | `refused ${string}`;
/** What becomes of the records of one name: of a file as it is, and with its times moved into the window. */
type Fates = readonly [name: string, count: number, asItIs: Fate, moved: Fate];

const tooOld = (name: string, count = 1): Fates => [name, count, 'refused too_old', 'other'];
/** Its times are small numbers, of 1970. */
const noTime = (name: string): Fates => [name, 1, 'refused no_time', 'other'];
const noIds = (name: string): Fates => [name, 1, 'refused invalid_ids', 'refused invalid_ids'];
/** Log records that name no run are not the ledger's, of whatever time. */
const noRun = (name: string, count: number): Fates => [name, count, 'other', 'other'];

const SHOP_SPANS: Fates[] = [
  tooOld('product-catalog.execute', 2),
  tooOld('analytics-service.process'),
  tooOld('product-catalog.handle'),
  tooOld('analytics-service.execute'),
  tooOld('payment-service.execute'),
  tooOld('cart.execute', 2),
  tooOld('payment-service.handle'),
  tooOld('kafka.process'),
  tooOld('api-gateway.handle'),
  tooOld('product-catalog.process', 2),
  tooOld('api-gateway.execute', 2),
  tooOld('recommendation.handle'),
  tooOld('kafka.handle'),
  tooOld('kafka.execute'),
  tooOld('frontend-proxy.execute'),
];
const ROUTER_SPANS: Fates[] = [tooOld('router frontend egress'), tooOld('ingress')];
const RUST_SPANS: Fates[] = [tooOld('operation'), tooOld('Sub operation...')];

const TRACES: [file: string, Fates[]][] = [
  [`${PROTO}trace.json`, [tooOld("I'm a server span")]],
  [`${JAVA}spans-wrapper.json`, [noTime('testSpan1'), noTime('testSpan2')]],
  [`${RUST}traces.json`, RUST_SPANS],
  [`${RUST}failed_traces.json`, RUST_SPANS],
  [`${RUST}serialized_traces.json`, RUST_SPANS],
  [`${PARQUET}trace.json`, ROUTER_SPANS],
  [`${PARQUET}trace.pb`, ROUTER_SPANS],
  [`${PARQUET}traces.jsonl`, SHOP_SPANS],
  [`${PARQUET}traces.pb`, SHOP_SPANS],
  [`${PARQUET}invalid_trace_invalid_base64.json`, [noIds('test-span')]],
  [`${PARQUET}invalid_trace_mixed_encoding.json`, [noIds('test-span')]],
  [`${PARQUET}invalid_trace_invalid_kind.json`, [['', 1, 'refused malformed', 'refused malformed']]],
];
const LOGS: [file: string, Fates[]][] = [
  [`${PROTO}logs.json`, [noRun('', 1)]],
  [`${PROTO}events.json`, [noRun('browser.page_view', 1)]],
  [`${JAVA}logs-wrapper.json`, [noRun('', 2)]],
  [`${RUST}logs.json`, [noRun('', 1)]],
  [`${RUST}failed_logs.json`, [noRun('', 1)]],
  [`${PARQUET}log.json`, [noRun('', 1)]],
  [`${PARQUET}logs.jsonl`, [noRun('', 81)]],
  [`${PARQUET}logs.pb`, [noRun('', 81)]],
  [`${PARQUET}invalid_log_invalid_severity.json`, [['', 1, 'refused malformed', 'refused malformed']]],
];
/** Bodies that are no such request: the error that says what to do. */
const NO_REQUEST: [file: string, 'traces' | 'logs', RegExp][] = [
  [`${JAVA}spans.json`, 'traces', /wrap it in \{"resourceSpans": \[\.\.\.\]\}/],
  [`${JAVA}logs.json`, 'logs', /wrap it in \{"resourceLogs": \[\.\.\.\]\}/],
  [`${PARQUET}invalid_malformed.json`, 'logs', /a comma or \} must stand here \(at byte \d+\)/],
  [`${PARQUET}invalid_malformed.json`, 'traces', /a comma or \} must stand here \(at byte \d+\)/],
];
const METRICS: [file: string, dataPoints: number][] = [
  [`${PROTO}metrics.json`, 4],
  [`${JAVA}metrics-wrapper.json`, 2],
  [`${PARQUET}invalid_metrics_invalid_temporality.json`, 1],
  // One ResourceMetrics and no request: there is nothing in it that a request has.
  [`${JAVA}metrics.json`, 0],
  [`${RUST}metrics.json`, 3],
  [`${RUST}different_metrics.json`, 3],
  [`${RUST}serialized_metrics.json`, 2],
  [`${RUST}metrics_test_flush_on_shutdown.json`, 1],
  [`${RUST}metrics_test_histogram_meter.json`, 1],
  [`${RUST}metrics_test_u64_counter_meter.json`, 1],
  [`${RUST}metrics_test_up_down_meter.json`, 1],
];

const PRINCIPALS: [string, Principal][] = [
  ["a tenant's token", { kind: 'tenant', tenantId: 1 }],
  ['an ingest token', { kind: 'ingest' }],
];

let database: TestDatabase;
let ledger: Ledger;
let snapshots: SnapshotSource;
let ingest: Ingest;

beforeAll(async () => {
  database = await createTestDatabase();
  ledger = await openLedger(database.databaseUrl);
  snapshots = await createSnapshotSource(ledger.ingestPool, { linkHosts: [], retentionDays: 30 });
  ingest = createIngest({ writer: ledger.writer, snapshot: () => snapshots.current(), registerTenants: null });
});

afterAll(async () => {
  snapshots.close();
  await ledger.close();
  await database.drop();
});

beforeEach(async () => {
  await ledger.query(
    'truncate public.run_event_logs, runledger.parked_spans, runledger.trace_bindings, runledger.refusals',
  );
});

const read = (file: string): Buffer => readFileSync(new URL(file, FIXTURES));
const encodingOf = (file: string): Encoding => (file.endsWith('.pb') ? 'protobuf' : 'json');
const bodiesOf = (file: string): Buffer[] =>
  file.endsWith('.jsonl')
    ? read(file)
        .toString('utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => Buffer.from(line))
    : [read(file)];

type Send = (body: Uint8Array, encoding: Encoding, principal: Principal) => Promise<IngestResult>;

/** What the answers and the tables say: records stored, waiting, refused with why, and those that made no row. */
async function deliver(bodies: Uint8Array[], encoding: Encoding, send: Send, principal: Principal) {
  const refused: string[] = [];
  let accepted = 0;
  for (const body of bodies) {
    try {
      const result = await send(body, encoding, principal);
      accepted += result.accepted;
      for (let index = 0; index < result.rejected; index++) refused.push(reasonOf(result.message));
    } catch (error) {
      // A request of which nothing has valid ids is answered 400 as a whole.
      refused.push(reasonOf(/\((.*)\)/.exec((error as Error).message)?.[1] ?? null));
    }
  }
  const stored = await ledger.query<{ span_id: string; kind: string }>(
    'select span_id, kind from public.run_event_logs where seq <> 0',
  );
  const parked = await ledger.query<{ span_id: string }>('select span_id from runledger.parked_spans where seq <> 0');
  return { accepted, refused, stored, parked };
}

const REASONS: [RegExp, string][] = [
  [/too_old/, 'too_old'],
  [/no_time/, 'no_time'],
  [/trace_id must be 16 bytes/, 'invalid_ids'],
  [/must be a number of the protocol's enum/, 'malformed'],
];
function reasonOf(message: string | null): string {
  return REASONS.find(([pattern]) => pattern.test(message ?? ''))?.[1] ?? `unexpected: ${message}`;
}

/** Counting goes in steps, so that a large request does not hold up the others. */
function countPoints(file: string): number {
  const steps = checkMetrics(read(file), 'json');
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value.dataPoints;
  }
}

const nameOf = (record: Span | LogRecord): string => ('name' in record ? record.name : record.eventName);

/** The records of a file by what the table above says of them, checked against names and numbers first. */
function checkNames(records: (Span | LogRecord)[], malformed: number, fates: readonly Fates[]): void {
  const counted = new Map<string, number>();
  for (const record of records) counted.set(nameOf(record), (counted.get(nameOf(record)) ?? 0) + 1);
  if (malformed > 0) counted.set('', malformed);
  expect([...counted].sort()).toEqual(fates.map(([name, count]) => [name, count]).sort());
}

function expectFates(delivered: Awaited<ReturnType<typeof deliver>>, fates: readonly Fates[], column: 2 | 3): void {
  const total = (wanted: (fate: Fate) => boolean) =>
    fates.reduce((sum, fate) => sum + (wanted(fate[column]) ? fate[1] : 0), 0);
  const refused = fates.flatMap((fate) =>
    fate[column].startsWith('refused ') ? new Array<string>(fate[1]).fill(fate[column].slice(8)) : [],
  );
  expect(delivered.refused).toEqual(refused);
  expect(delivered.accepted).toBe(total((fate) => !fate.startsWith('refused ')));
  expect(delivered.stored).toHaveLength(total((fate) => fate.startsWith('row ')));
  expect(delivered.parked).toHaveLength(total((fate) => fate === 'parked'));
}

/** The request anew, with all times moved by whole seconds so that its last edge was an hour ago. */
function moved<R extends Span | LogRecord>(model: RequestModel<R>): RequestModel<R> {
  const records = model.flatMap((group) => group.scopes.flatMap((scope) => scope.records));
  const last = Math.max(
    ...records.flatMap((record) =>
      'startUs' in record ? [record.startUs, record.endUs] : [record.timeUs, record.observedUs],
    ),
  );
  const shiftUs = (Math.floor((Date.now() * 1000 - last) / 1_000_000) - 3600) * 1_000_000;
  const at = (us: number) => (us === 0 ? 0 : us + shiftUs);
  return model.map((group) => ({
    ...group,
    scopes: group.scopes.map((scope) => ({
      ...scope,
      records: scope.records.map((record) =>
        'startUs' in record
          ? {
              ...record,
              startUs: at(record.startUs),
              endUs: at(record.endUs),
              events: record.events.map((event) => ({ ...event, timeUs: at(event.timeUs) })),
            }
          : { ...record, timeUs: at(record.timeUs), observedUs: at(record.observedUs) },
      ),
    })),
  }));
}

const modelOf = <R>(
  records: {
    resource: { attributes: Attribute[] };
    scope: { name: string; version: string; attributes: Attribute[] };
    record: R;
  }[],
): RequestModel<R> =>
  records.map(({ resource, scope, record }) => ({ resource, scopes: [{ scope, records: [record] }] }));

describe.each(PRINCIPALS)('by %s', (_, principal) => {
  test.each(TRACES)('%s', async (file, fates) => {
    const decoded = bodiesOf(file).map((body) => drain(decodeTraces(body, encodingOf(file))));
    const records = decoded.flatMap((one) => one.records);
    checkNames(
      records.map(({ record }) => record),
      decoded.flatMap((one) => one.malformed).length,
      fates,
    );
    expectFates(await deliver(bodiesOf(file), encodingOf(file), ingest.traces, principal), fates, 2);
    // What cannot be decoded or has no ids cannot be written anew either.
    if (records.length === 0 || records.some(({ record }) => record.traceId === '')) return;
    for (const encoding of ['protobuf', 'json'] as const) {
      expectFates(
        await deliver([traceBody(moved(modelOf(records)), encoding)], encoding, ingest.traces, principal),
        fates,
        3,
      );
    }
  });

  test.each(LOGS)('%s', async (file, fates) => {
    const decoded = bodiesOf(file).map((body) => drain(decodeLogs(body, encodingOf(file))));
    const records = decoded.flatMap((one) => one.records);
    checkNames(
      records.map(({ record }) => record),
      decoded.flatMap((one) => one.malformed).length,
      fates,
    );
    expectFates(await deliver(bodiesOf(file), encodingOf(file), ingest.logs, principal), fates, 2);
    if (records.length === 0) return;
    for (const encoding of ['protobuf', 'json'] as const) {
      expectFates(
        await deliver([logBody(moved(modelOf(records)), encoding)], encoding, ingest.logs, principal),
        fates,
        3,
      );
    }
  });

  test.each(NO_REQUEST)('%s as %s is no request, and the answer says what to do', async (file, signal, message) => {
    const sending = ingest[signal](read(file), 'json', principal);
    await expect(sending).rejects.toThrow(DecodeError);
    await expect(ingest[signal](read(file), 'json', principal)).rejects.toThrow(message);
  });
});

test.each(METRICS)('%s: %d data points, none kept', (file, dataPoints) => {
  expect(countPoints(file)).toBe(dataPoints);
});

// Attributes of real model spans ------------------------------------------------------------------------------------------------

const OI = 'openinference/js_packages_openinference-';
const GENAI = `${OI}genai_test___fixtures___`;
const VERCEL = `${OI}vercel_test___fixtures___v6-spans_`;

interface Call {
  vendor: string;
  tokens: [input: number, output: number];
  costUsd: string;
  priceId: string;
}
const call = (input: number, output: number, costUsd: string, model: string): Call => ({
  vendor: 'openai',
  tokens: [input, output],
  costUsd,
  priceId: `genai-prices:openai/${model}`,
});
const GPT4 = call(97, 52, '0.00603', 'gpt-4');
const HAIKU = call(14, 20, '0.0000141', 'gpt-4o-mini');
const CHAT = call(50, 9, '0.0000129', 'gpt-4o-mini');
const RECIPE = call(63, 156, '0.00010305', 'gpt-4o-mini');
const POEM = call(15, 112, '0.00006945', 'gpt-4o-mini');
const EMBED = call(10, 0, '0.0000002', 'text-embedding-3-small');

type Expected = [name: string, Call | 'other'][];
const BY_OPERATION: Record<string, Expected> = {
  'ai-generateText-doGenerate': [
    ['ai.generateText.doGenerate', HAIKU],
    ['ai.generateText.doGenerate', CHAT],
  ],
  'ai-generateText': [
    ['ai.generateText', 'other'],
    ['ai.generateText', 'other'],
  ],
  'ai-generateObject-doGenerate': [['ai.generateObject.doGenerate', RECIPE]],
  'ai-generateObject': [['ai.generateObject', 'other']],
  'ai-streamText-doStream': [['ai.streamText.doStream', POEM]],
  'ai-streamText': [['ai.streamText', 'other']],
  'ai-embed-doEmbed': [['ai.embed.doEmbed', EMBED]],
  'ai-embed': [['ai.embed', 'other']],
};
const EVERYTHING: Expected = [
  ['ai.generateText.doGenerate', HAIKU],
  ['ai.generateText', 'other'],
  ['ai.generateText.doGenerate', CHAT],
  ['ai.generateText', 'other'],
  ['ai.generateObject.doGenerate', RECIPE],
  ['ai.generateObject', 'other'],
  ['ai.streamText.doStream', POEM],
  ['ai.streamText', 'other'],
  ['ai.embed.doEmbed', EMBED],
  ['ai.embed', 'other'],
];
const MODEL_SPANS: [file: string, Expected][] = [
  [`${GENAI}openinference_client_span_input_output_only.json`, [['attributes', GPT4]]],
  [`${GENAI}openinference_client_span_tool_calls.json`, [['attributes', GPT4]]],
  [`${GENAI}otel_genai_client_span_tool_calls.json`, [['attributes', GPT4]]],
  [`${GENAI}otel_genai_deprecated_client_span_tool_calls.json`, [['attributes', GPT4]]],
  [`${GENAI}otel_genai_tool_execution_span.json`, [['attributes', 'other']]],
  ...Object.entries(BY_OPERATION).map(([name, expected]): [string, Expected] => [`${VERCEL}${name}.json`, expected]),
  [`${VERCEL}all-spans.json`, EVERYTHING],
  [
    `${VERCEL}spans-by-operation.json`,
    [
      'ai-generateText-doGenerate',
      'ai-generateText',
      'ai-generateObject-doGenerate',
      'ai-generateObject',
      'ai-streamText-doStream',
      'ai-streamText',
      'ai-embed-doEmbed',
      'ai-embed',
    ].flatMap((name) => BY_OPERATION[name] ?? []),
  ],
];

interface Dumped {
  name?: string;
  attributes: Record<string, unknown>;
}
/** The files hold one map of attributes, a list of spans, or lists of spans by operation. */
function dumpedSpans(file: string): Dumped[] {
  const content = JSON.parse(read(file).toString('utf8')) as unknown;
  if (Array.isArray(content)) return content as Dumped[];
  const record = content as Record<string, unknown>;
  const lists = Object.values(record);
  if (lists.every((value) => Array.isArray(value) && typeof value[0] === 'object')) return lists.flat() as Dumped[];
  return [{ attributes: record }];
}

const attributeOf = ([key, value]: [string, unknown]): Attribute => {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? int(key, value) : double(key, value);
  if (Array.isArray(value)) return { key, type: 5, value: value.map((element) => text('', String(element))) };
  return text(key, String(value));
};

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
function wrapped(file: string, traceNumber: number, own: Attribute[]): Span[] {
  const endUs = (Date.now() - 3_600_000) * 1000;
  return dumpedSpans(file).map((dumped, index) =>
    span({
      traceId: hex(traceNumber, 32),
      spanId: hex(traceNumber * 256 + index, 16),
      parentSpanId: hex(1, 16),
      name: dumped.name ?? 'attributes',
      kind: 3,
      startUs: endUs - 1_000_000,
      endUs,
      attributes: [...own, ...Object.entries(dumped.attributes).map(attributeOf)],
    }),
  );
}

describe.each(['protobuf', 'json'] as const)('attributes of real model spans, as %s', (encoding) => {
  test.each(MODEL_SPANS)('%s', async (file, expected) => {
    const spans = wrapped(file, 7, [int(ATTR.runId, 5), text(ATTR.stage, 'score')]);
    expect(spans.map(({ name }) => name)).toEqual(expected.map(([name]) => name));
    await ingest.traces(traceBody(requestWith(...spans), encoding), encoding, { kind: 'tenant', tenantId: 1 });
    const rows = await ledger.query(
      'select span_id, kind, stage, vendor, calls, errors, tokens_input, tokens_output, cost_usd::text, price_id from public.run_event_logs order by span_id',
    );
    expect(rows).toEqual(
      expected.flatMap(([, fate], index) =>
        fate === 'other'
          ? []
          : [
              {
                span_id: spans[index]?.spanId,
                kind: 'vendor_call',
                stage: 'score',
                vendor: fate.vendor,
                calls: 1,
                errors: 0,
                tokens_input: fate.tokens[0],
                tokens_output: fate.tokens[1],
                cost_usd: fate.costUsd,
                price_id: fate.priceId,
              },
            ],
      ),
    );
  });

  test.each(MODEL_SPANS)('%s without a run: the calls wait for their root', async (file, expected) => {
    const calls = expected.filter(([, fate]) => fate !== 'other').length;
    for (const [, principal] of PRINCIPALS) {
      const tenantId = principal.kind === 'tenant' ? principal.tenantId : 0;
      const spans = wrapped(file, 8 + tenantId, []);
      await ingest.traces(traceBody(requestWith(...spans), encoding), encoding, principal);
      const parked = await ledger.query('select reason, span_id from runledger.parked_spans where tenant_id = $1', [
        tenantId,
      ]);
      expect(parked).toHaveLength(calls);
      expect(parked.every(({ reason }) => reason === 'no_run_yet')).toBe(true);
    }
    expect(await ledger.query('select 1 from public.run_event_logs')).toEqual([]);
  });
});

test('every file is in one of the lists', () => {
  const listed = new Set([...TRACES, ...LOGS, ...METRICS, ...NO_REQUEST, ...MODEL_SPANS].map(([file]) => file));
  // A summary without spans.
  listed.add(`${VERCEL}capture-results.json`);
  const there = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.(json|jsonl|pb)$/.test(file),
  );
  expect(there.sort()).toEqual([...listed].sort());
});
