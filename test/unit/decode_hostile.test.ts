/** No bytes crash a decoder, exhaust memory or slip a part of a broken request through; and large bodies come in bounded steps. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeLogs, decodeTraces } from '../../receiver/decode/decode.ts';
import {
  type Chunk,
  DecodeError,
  type Encoding,
  type LogRecord,
  type Span,
  VALUE_ARRAY,
} from '../../receiver/decode/shape.ts';
import { LIMITS } from '../../receiver/limits.ts';
import { logOutcome, metricsOutcome, traceOutcome } from '../helpers/decode_outcome.ts';
import { diceOf, mutated, randomBytes } from '../helpers/mutate.ts';
import {
  drain,
  int,
  logBody,
  logRecord,
  type RequestModel,
  requestWith,
  span,
  text,
  traceBody,
} from '../helpers/otlp.ts';
import { attributeOf, bytesField, IDS, joined, requestOf, spanWith } from '../helpers/wire_bytes.ts';

const ENCODINGS: Encoding[] = ['protobuf', 'json'];
const sample = (path: string): Uint8Array => readFileSync(new URL(`../fixtures/otlp/${path}`, import.meta.url));

const busySpan = span({
  attributes: [
    text('stage', 'crawl'),
    text('ключ', 'ünï'),
    int('wide', 2n ** 60n),
    { key: 'a', type: VALUE_ARRAY, value: [int('', 1)] },
  ],
  events: [{ timeUs: 5, timeNs: 6, name: 'retry', attributes: [text('k', 'v')] }],
  statusMessage: 'slow "down"',
});
const request: RequestModel<Span> = [...requestWith(busySpan, span({ name: 'second' })), ...requestWith(span())];

describe.each(ENCODINGS)('%s', (encoding) => {
  test('cut at any byte, a body is refused before anything is handed out, or is a shorter request', () => {
    const bodies: [Uint8Array, typeof traceOutcome, number][] = [
      [traceBody(request, encoding), traceOutcome, 3],
      [logBody(requestWith(logRecord(), logRecord({ attributes: [text('a', 'b')] })), encoding), logOutcome, 2],
    ];
    for (const [body, outcomeOf, whole] of bodies) {
      expect(outcomeOf(body, encoding)).toEqual({ refused: false, records: whole, malformed: 0 });
      let refused = 0;
      for (let length = 0; length < body.length; length++) {
        const outcome = outcomeOf(body.subarray(0, length), encoding);
        if (outcome.refused) refused++;
        else expect(outcome.records).toBeLessThan(whole);
      }
      // In protobuf a cut between two groups leaves a sound request; JSON is never sound when cut.
      expect(refused).toBeGreaterThanOrEqual(encoding === 'json' ? body.length : body.length - 3);
    }
  });

  test('random bytes are refused or read, never worse', () => {
    const dice = diceOf(20_251_017);
    let refused = 0;
    for (let round = 0; round < 100_000; round++) {
      const body = randomBytes(dice, 60);
      if (traceOutcome(body, encoding).refused) refused++;
      if (round % 10 === 0) {
        logOutcome(body, encoding);
        metricsOutcome(body, encoding);
      }
    }
    expect(refused).toBeGreaterThan(50_000);
  });

  test('good bodies broken in a few bytes are refused or read, never worse', () => {
    const dice = diceOf(4711);
    const bodies = [
      traceBody(request, encoding),
      encoding === 'json'
        ? sample('opentelemetry-proto/examples_trace.json')
        : sample('otlp2parquet/testdata_trace.pb'),
      logBody(requestWith(logRecord()), encoding),
    ];
    const seen = { refused: 0, read: 0, malformed: 0 };
    for (let round = 0; round < 15_000; round++) {
      const body = mutated(bodies[round % bodies.length] as Uint8Array, dice);
      const outcome = traceOutcome(body, encoding);
      if (outcome.refused) seen.refused++;
      else if (outcome.malformed > 0) seen.malformed++;
      else seen.read++;
      logOutcome(body, encoding);
      metricsOutcome(body, encoding);
    }
    expect(Math.min(seen.refused, seen.read, seen.malformed)).toBeGreaterThan(50);
  });

  test('a large request comes in chunks of limited size that share one resource and one scope', () => {
    const spans = Array.from({ length: 2 * LIMITS.chunkRecords + 1 }, (_, index) => span({ name: `n${index}` }));
    const chunks = [...decodeTraces(traceBody(requestWith(...spans), encoding), encoding)];
    expect(chunks.map((chunk) => chunk.records.length)).toEqual([LIMITS.chunkRecords, LIMITS.chunkRecords, 1]);
    expect(new Set(chunks.map((chunk) => chunk.resource)).size).toBe(1);
    expect(new Set(chunks.map((chunk) => chunk.scope)).size).toBe(1);
    expect(chunks.flatMap((chunk) => chunk.records.map((record) => record.name))).toEqual(
      spans.map(({ name }) => name),
    );
  });

  test('scopes of one ResourceSpans share its resource, other groups do not', () => {
    const [group] = requestWith(span());
    if (group === undefined) throw new Error('no group');
    const two = { ...group, scopes: [...group.scopes, ...group.scopes] };
    const chunks = [...decodeTraces(traceBody([two, group], encoding), encoding)];
    expect(chunks).toHaveLength(3);
    expect(chunks[0]?.resource).toBe(chunks[1]?.resource);
    expect(chunks[1]?.resource).not.toBe(chunks[2]?.resource);
  });

  test('two bodies decoded in turns do not mix', () => {
    const names = (prefix: string) => Array.from({ length: 1500 }, (_, index) => span({ name: `${prefix}${index}` }));
    const bodies = ['a', 'b'].map((prefix) => traceBody(requestWith(...names(prefix)), encoding));
    const walks = bodies.map((body) => decodeTraces(body, encoding)[Symbol.iterator]());
    const seen: string[][] = [[], []];
    for (let isDone = false; !isDone; ) {
      isDone = true;
      walks.forEach((walk, index) => {
        const step = walk.next();
        if (step.done === true) return;
        isDone = false;
        seen[index]?.push(...step.value.records.map((record) => record.name));
      });
    }
    expect(seen).toEqual([names('a').map(({ name }) => name), names('b').map(({ name }) => name)]);
  });

  test('of too many attributes and events the first are kept, and the span with them', () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => int(`k${index}`, index));
    const events = Array.from({ length: LIMITS.eventsPerSpan + 5 }, (_, index) => ({
      timeUs: index,
      timeNs: 0,
      name: 'e',
      attributes: [],
    }));
    const sent = requestWith(span({ attributes: many(LIMITS.attributesPerRecord + 5), events, name: 'kept' }));
    const [only] = drain(decodeTraces(traceBody(sent, encoding), encoding)).records;
    expect(only?.record.attributes).toEqual(many(LIMITS.attributesPerRecord));
    expect(only?.record.events).toHaveLength(LIMITS.eventsPerSpan);
    expect(only?.record.name).toBe('kept');
  });

  test('values of one record are limited over all its lists, and a chunk ends early when its records hold many', () => {
    const list = Array.from({ length: 1000 }, (_, index) => int(`k${index}`, index));
    const events = Array.from({ length: 40 }, (_, index) => ({
      timeUs: index,
      timeNs: 0,
      name: 'e',
      attributes: list,
    }));
    const spans = Array.from({ length: 12 }, () => span({ events }));
    const chunks = [...decodeTraces(traceBody(requestWith(...spans), encoding), encoding)];
    const valuesOf = (one: Span) => one.events.reduce((sum, event) => sum + 1 + event.attributes.length, 0);
    const held = chunks.map((chunk) => chunk.records.reduce((sum, one) => sum + valuesOf(one), 0));
    expect(chunks.flatMap((chunk) => chunk.records)).toHaveLength(12);
    expect(Math.max(...chunks.flatMap((chunk) => chunk.records.map(valuesOf)))).toBe(16_384);
    expect(chunks.length).toBeGreaterThan(1);
    expect(Math.max(...held)).toBeLessThanOrEqual(65_536 + 16_384);
  });

  test('records of megabytes come a few at a time', () => {
    const spans = Array.from({ length: 6 }, () => span({ attributes: [text('big', 'x'.repeat(3_000_000))] }));
    const chunks = [...decodeTraces(traceBody(requestWith(...spans), encoding), encoding)];
    expect(Math.max(...chunks.map((chunk) => chunk.records.length))).toBeLessThanOrEqual(2);
    expect(chunks.reduce((sum, chunk) => sum + chunk.records.length, 0)).toBe(6);
  });
});

/** Counts records while holding one chunk at a time. */
function count<R extends Span | LogRecord>(
  chunks: Iterable<Chunk<R>>,
): { records: number; empty: number; largest: number } {
  const seen = { records: 0, empty: 0, largest: 0 };
  for (const { records, malformed } of chunks) {
    seen.records += records.length;
    if (records.length + malformed.length === 0) seen.empty++;
    seen.largest = Math.max(seen.largest, records.length);
  }
  return seen;
}

describe('bombs', () => {
  const repeated = (unit: string, times: number): Uint8Array =>
    Buffer.alloc((unit.length / 2) * times, Buffer.from(unit, 'hex'));

  test('two million empty spans are handed out in chunks, with turns before the first', () => {
    const seen = count(decodeTraces(requestOf(repeated('1200', 2_000_000)), 'protobuf'));
    expect(seen).toMatchObject({ records: 2_000_000, largest: LIMITS.chunkRecords });
    expect(seen.empty).toBeGreaterThan(2);
  });

  test('two million empty groups or scopes hold nothing and give turns', () => {
    for (const body of [repeated('0a00', 2_000_000), bytesField(1, repeated('1200', 2_000_000))]) {
      const seen = count(decodeTraces(body, 'protobuf'));
      expect(seen.records).toBe(0);
      expect(seen.empty).toBeGreaterThan(2);
    }
  });

  test('a span of more than a million fields that nobody keeps is refused alone', () => {
    const good = bytesField(2, ...IDS);
    for (const unit of ['4a00', '5a00', '8a0100', '9006ff00']) {
      const { records, malformed } = drain(
        decodeTraces(requestOf(good, bytesField(2, ...IDS, repeated(unit, 1_100_000)), good), 'protobuf'),
      );
      expect(records).toHaveLength(2);
      expect(malformed[0]?.message).toMatch(/spans\[1\]: more than 1000000 fields/);
    }
  });

  test('a scope after two million spans is found without a long step', () => {
    const seen = decodeTraces(requestOf(repeated('1200', 2_000_000), bytesField(1, bytesField(1, 'late'))), 'protobuf');
    for (const { records, scope } of seen) if (records.length > 0) expect(scope.name).toBe('late');
  });

  test('hundreds of thousands of empty attributes, list elements or events of one span are cut at the limits', () => {
    const [attributes] = drain(decodeTraces(spanWith(repeated('4a00', 900_000)), 'protobuf')).records;
    expect(attributes?.record.attributes).toHaveLength(LIMITS.attributesPerRecord);
    const [events] = drain(decodeTraces(spanWith(repeated('5a00', 900_000)), 'protobuf')).records;
    expect(events?.record.events).toHaveLength(LIMITS.eventsPerSpan);
    const list = attributeOf(bytesField(5, repeated('0a00', 900_000)));
    const [elements] = drain(decodeTraces(spanWith(list), 'protobuf')).records;
    expect(elements?.record.attributes[0]?.value).toHaveLength(LIMITS.attributesPerRecord);
  });

  test('a million empty JSON objects and nulls likewise', () => {
    const listOf = (unit: string) => Array.from({ length: 1_000_000 }, () => unit).join(',');
    const body = (inner: string) => Buffer.from(`{"resourceSpans":[{"scopeSpans":[{"spans":[${inner}]}]}]}`);
    expect(count(decodeTraces(body(listOf('{}')), 'json'))).toMatchObject({
      records: 1_000_000,
      largest: LIMITS.chunkRecords,
    });
    expect(count(decodeTraces(body(listOf('null')), 'json')).records).toBe(0);
    const [only] = drain(decodeTraces(body(`{"attributes":[${listOf('{}')}]}`), 'json')).records;
    expect(only?.record.attributes).toHaveLength(LIMITS.attributesPerRecord);
  });

  test('a million broken spans are refused one by one, in chunks', () => {
    const chunks = decodeTraces(requestOf(repeated('12012a', 1_000_000)), 'protobuf');
    let malformed = 0;
    for (const chunk of chunks) {
      expect(chunk.malformed.length).toBeLessThanOrEqual(LIMITS.chunkRecords);
      malformed += chunk.malformed.length;
    }
    expect(malformed).toBe(1_000_000);
  });

  test('a body of 20 MB gives turns while it is checked, and a break at its end is still found before the first record', () => {
    const one = bytesField(2, ...IDS, attributeOf(bytesField(1, 'x'.repeat(900))));
    const json = `{"resourceSpans":[{"scopeSpans":[{"spans":[${Array.from({ length: 20_000 }, () => `{"name":"${'x'.repeat(990)}"}`).join(',')}]}]}]`;
    const chunks = decodeTraces(Buffer.from(json), 'json')[Symbol.iterator]();
    expect(chunks.next().value).toMatchObject({ records: [], malformed: [] });
    expect(() => {
      while (chunks.next().done !== true);
    }).toThrow(DecodeError);
    const wire = joined(requestOf(...Array.from({ length: 20_000 }, () => one)), Uint8Array.of(0x0a));
    expect(traceOutcome(wire, 'protobuf')).toEqual({ refused: true, records: 0, malformed: 0 });
  });

  test('a trace of 10,008 spans and a log request of as many records are whole', () => {
    const spans = Array.from({ length: 10_008 }, (_, index) => span({ name: `${index}` }));
    const logs = Array.from({ length: 10_008 }, (_, index) => logRecord({ eventName: `${index}` }));
    for (const encoding of ENCODINGS) {
      expect(count(decodeTraces(traceBody(requestWith(...spans), encoding), encoding)).records).toBe(10_008);
      expect(count(decodeLogs(logBody(requestWith(...logs), encoding), encoding)).records).toBe(10_008);
    }
  });
});
