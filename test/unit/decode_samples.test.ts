/** Payloads that real exporters, collectors and the specification's authors wrote are read in full, in the spelling each of them uses. */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkMetrics, decodeLogs, decodeTraces } from '../../receiver/decode/decode.ts';
import { type Chunk, DecodeError, type LogRecord, type Span, VALUE_INT } from '../../receiver/decode/shape.ts';
import { drain } from '../helpers/otlp.ts';
import { finish } from '../helpers/steps.ts';

const FIXTURES = new URL('../fixtures/otlp/', import.meta.url);
const read = (path: string): Buffer => readFileSync(new URL(path, FIXTURES));
const lines = (path: string): Buffer[] =>
  read(path)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Buffer.from(line));

const JAVA = 'opentelemetry-java/exporters_logging-otlp_src_test_resources_expected-';
const RUST = 'opentelemetry-rust/opentelemetry-otlp_tests_integration_test_expected_';

const TRACE_FILES: [string, number][] = [
  ['opentelemetry-proto/examples_trace.json', 1],
  [`${JAVA}spans-wrapper.json`, 2],
  [`${RUST}traces.json`, 2],
  [`${RUST}failed_traces.json`, 2],
  [`${RUST}serialized_traces.json`, 2],
  ['otlp2parquet/testdata_trace.json', 2],
];

test.each(TRACE_FILES)('%s: every span, with ids, times and attributes', (path, count) => {
  const { records, malformed } = drain(decodeTraces(read(path), 'json'));
  expect(malformed).toEqual([]);
  expect(records).toHaveLength(count);
  // JSON.parse is good enough an oracle for all but 64-bit numbers.
  const written = findRecords(JSON.parse(read(path).toString('utf8')), 'spans');
  expect(records.map(({ record }) => record.name)).toEqual(written.map((one) => one.name ?? ''));
  expect(records.map(({ record }) => record.traceId)).toEqual(written.map((one) => hexOf(one.traceId)));
  expect(records.map(({ record }) => record.spanId)).toEqual(written.map((one) => hexOf(one.spanId)));
  expect(records.map(({ record }) => nanos(record.startUs, record.startNs))).toEqual(
    written.map((one) => String(one.startTimeUnixNano)),
  );
  expect(records.map(({ record }) => record.attributes.map(({ key }) => key))).toEqual(
    written.map((one) => (one.attributes ?? []).map(({ key }) => key)),
  );
  expect(records.map(({ record }) => record.events.length)).toEqual(written.map((one) => (one.events ?? []).length));
});

/** Lower-case hex of an id in either spelling: base64 of 16 or 8 bytes ends in padding. */
const hexOf = (id = ''): string => (id.endsWith('=') ? Buffer.from(id, 'base64').toString('hex') : id.toLowerCase());

interface Written {
  name?: string;
  traceId?: string;
  spanId?: string;
  startTimeUnixNano?: string | number;
  timeUnixNano?: string | number;
  attributes?: { key: string }[];
  events?: unknown[];
}

/** The records of a parsed request: all lists of that name. */
function findRecords(node: unknown, name: string): Written[] {
  if (Array.isArray(node)) return node.flatMap((element) => findRecords(element, name));
  if (node === null || typeof node !== 'object') return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === name && Array.isArray(value) ? (value as Written[]) : findRecords(value, name),
  );
}

const nanos = (us: number, ns: number): string => String(BigInt(us) * 1000n + BigInt(ns));

const LOG_FILES: [string, number][] = [
  ['opentelemetry-proto/examples_logs.json', 1],
  ['opentelemetry-proto/examples_events.json', 1],
  [`${JAVA}logs-wrapper.json`, 2],
  [`${RUST}logs.json`, 1],
  [`${RUST}failed_logs.json`, 1],
  ['otlp2parquet/testdata_log.json', 1],
];

test.each(LOG_FILES)('%s: every log record, with its time and attributes', (path, count) => {
  const { records, malformed } = drain(decodeLogs(read(path), 'json'));
  expect(malformed).toEqual([]);
  expect(records).toHaveLength(count);
  const written = findRecords(JSON.parse(read(path).toString('utf8')), 'logRecords');
  expect(records.map(({ record }) => nanos(record.timeUs, record.timeNs))).toEqual(
    written.map((one) => String(one.timeUnixNano ?? 0)),
  );
  expect(records.map(({ record }) => record.attributes.map(({ key }) => key))).toEqual(
    written.map((one) => (one.attributes ?? []).map(({ key }) => key)),
  );
});

test('the specification example is read to the last field', () => {
  const [only] = drain(decodeTraces(read('opentelemetry-proto/examples_trace.json'), 'json')).records;
  expect(only?.record).toMatchObject({
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: 'eee19b7ec3c1b174',
    parentSpanId: 'eee19b7ec3c1b173',
    name: "I'm a server span",
    kind: 2,
    startUs: 1_544_712_660_000_000,
    endUs: 1_544_712_661_000_000,
  });
  expect(only?.scope.name).toBe('my.library');
});

/** Of a request per line, all chunks' content. */
const drainLines = <R extends Span | LogRecord>(bodies: Buffer[], decode: (body: Buffer) => Iterable<Chunk<R>>) =>
  bodies.flatMap((body) => {
    const { records, malformed } = drain(decode(body));
    expect(malformed).toEqual([]);
    return records;
  });

describe('base64 ids and enum names, as one popular generator writes them, mean the same as its protobuf', () => {
  test('traces', () => {
    const wire = drain(decodeTraces(read('otlp2parquet/testdata_traces.pb'), 'protobuf'));
    const json = drainLines(lines('otlp2parquet/testdata_traces.jsonl'), (body) => decodeTraces(body, 'json'));
    expect(wire.malformed).toEqual([]);
    expect(json.length).toBeGreaterThan(10);
    expect(json).toEqual(wire.records);
    expect(json.every(({ record }) => record.traceId.length === 32 && record.kind > 0)).toBe(true);
  });

  test('one trace request', () => {
    const wire = drain(decodeTraces(read('otlp2parquet/testdata_trace.pb'), 'protobuf'));
    expect(wire).toEqual(drain(decodeTraces(read('otlp2parquet/testdata_trace.json'), 'json')));
  });

  test('logs', () => {
    const wire = drain(decodeLogs(read('otlp2parquet/testdata_logs.pb'), 'protobuf'));
    const json = drainLines(lines('otlp2parquet/testdata_logs.jsonl'), (body) => decodeLogs(body, 'json'));
    expect(wire.malformed).toEqual([]);
    expect(json.length).toBeGreaterThan(10);
    expect(json).toEqual(wire.records);
    expect(json.some(({ record }) => record.severity === 9 && record.traceId !== '')).toBe(true);
  });
});

describe('samples that are wrong on purpose', () => {
  const invalid = (name: string) => read(`otlp2parquet/testdata_invalid_${name}.json`);

  test('a body cut off is refused as a whole, with the place', () => {
    const decode = () => drain(decodeLogs(invalid('malformed'), 'json'));
    expect(decode).toThrow(DecodeError);
    expect(decode).toThrow(/^resourceLogs\[0\]\.scopeLogs\[0\]\.logRecords\[0\]: .* \(at byte \d+\)$/);
  });

  test('an unknown enum name refuses its record only', () => {
    const spans = drain(decodeTraces(invalid('trace_invalid_kind'), 'json'));
    expect(spans.records).toEqual([]);
    expect(spans.malformed[0]?.message).toMatch(/spans\[0\]: kind must be/);
    const logs = drain(decodeLogs(invalid('log_invalid_severity'), 'json'));
    expect(logs.records).toEqual([]);
    expect(logs.malformed[0]?.message).toMatch(/logRecords\[0\]: severityNumber must be/);
  });

  test.each(['trace_invalid_base64', 'trace_mixed_encoding'])(
    '%s: ids that are none are empty, for the mapping to refuse',
    (name) => {
      const [only] = drain(decodeTraces(invalid(name), 'json')).records;
      expect(only?.record).toMatchObject({ traceId: '', spanId: '', name: 'test-span' });
    },
  );
});

test('a lone ResourceSpans or ResourceLogs is refused with what to wrap it in, instead of being taken for an empty request', () => {
  expect(() => drain(decodeTraces(read(`${JAVA}spans.json`), 'json'))).toThrow(
    /wrap it in \{"resourceSpans": \[\.\.\.\]\}/,
  );
  expect(() => drain(decodeLogs(read(`${JAVA}logs.json`), 'json'))).toThrow(
    /wrap it in \{"resourceLogs": \[\.\.\.\]\}/,
  );
});

const METRIC_FILES = [
  'opentelemetry-proto/examples_metrics.json',
  `${JAVA}metrics-wrapper.json`,
  'otlp2parquet/testdata_invalid_metrics_invalid_temporality.json',
  ...readdirSync(new URL('opentelemetry-rust/', FIXTURES))
    .filter((name) => name.includes('metrics'))
    .map((name) => `opentelemetry-rust/${name}`),
];

test.each(METRIC_FILES)('%s: its data points are counted', (path) => {
  const { dataPoints } = finish(checkMetrics(read(path), 'json'));
  expect(dataPoints).toBeGreaterThan(0);
  expect(findRecords(JSON.parse(read(path).toString('utf8')), 'dataPoints')).toHaveLength(dataPoints);
});

test('attributes of real GenAI spans survive both ways of writing their numbers', () => {
  const folder = new URL('openinference/', FIXTURES);
  let seen = 0;
  for (const name of readdirSync(folder)) {
    const ints = [
      ...read(`openinference/${name}`)
        .toString('utf8')
        .matchAll(/": (\d+)[,\n]/g),
    ].map((match) => match[1]);
    const body = { resourceSpans: [{ scopeSpans: [{ spans: [{ attributes: ints.flatMap(bothWays) }] }] }] };
    const [only] = drain(decodeTraces(Buffer.from(JSON.stringify(body)), 'json')).records;
    for (const [index, attribute] of (only?.record.attributes ?? []).entries()) {
      expect(attribute).toEqual({ key: 'n', type: VALUE_INT, value: Number(ints[index >> 1]) });
      seen++;
    }
  }
  expect(seen).toBeGreaterThan(20);
});

const bothWays = (digits: string | undefined) => [
  { key: 'n', value: { intValue: digits } },
  { key: 'n', value: { intValue: Number(digits) } },
];
