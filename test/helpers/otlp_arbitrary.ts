/** fast-check arbitraries for OTLP requests in the decoders' own shape. */

import fc from 'fast-check';
import {
  type Attribute,
  type LogRecord,
  type Resource,
  type Scope,
  type Span,
  type SpanEvent,
  VALUE_ARRAY,
  VALUE_BOOL,
  VALUE_BYTES,
  VALUE_DOUBLE,
  VALUE_EMPTY,
  VALUE_INT,
  VALUE_KVLIST,
  VALUE_STRING,
  type Value,
} from '../../receiver/decode/shape.ts';
import type { RequestModel } from './otlp.ts';

const anyText = fc.oneof(
  fc.constantFrom(
    '',
    '__proto__',
    'constructor',
    'runledger.stage',
    'crawl',
    'a'.repeat(31),
    'b'.repeat(32),
    'c'.repeat(33),
  ),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
);

/** Safe integers as numbers, wider ones as bigints: as the shape says. */
const anyInt = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => {
  const near = Number(value);
  return Number.isSafeInteger(near) ? near : value;
});

const scalar: fc.Arbitrary<Value> = fc.oneof(
  anyText.map((value): Value => ({ type: VALUE_STRING, value })),
  fc.oneof(fc.integer(), fc.maxSafeInteger(), anyInt).map((value): Value => ({ type: VALUE_INT, value })),
  fc.double().map((value): Value => ({ type: VALUE_DOUBLE, value })),
  fc.boolean().map((value): Value => ({ type: VALUE_BOOL, value })),
  fc.uint8Array({ maxLength: 9 }).map((value): Value => ({ type: VALUE_BYTES, value })),
  fc.constant<Value>({ type: VALUE_EMPTY, value: null }),
);

const anyValue: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 8, arbitrary: scalar },
    {
      weight: 1,
      arbitrary: fc.array(tie('value'), { maxLength: 3 }).map((value): Value => ({ type: VALUE_ARRAY, value })),
    },
    {
      weight: 1,
      arbitrary: fc
        .array(fc.tuple(anyText, tie('value')), { maxLength: 3 })
        .map((pairs): Value => ({ type: VALUE_KVLIST, value: pairs.map(([key, value]) => ({ key, ...value })) })),
    },
  ),
})).value;

const attributes: fc.Arbitrary<Attribute[]> = fc.array(
  fc.tuple(anyText, anyValue).map(([key, value]): Attribute => ({ key, ...value })),
  { maxLength: 5 },
);

const hexId = (bytes: number): fc.Arbitrary<string> =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((value) => Buffer.from(value).toString('hex'))
    .map((hex) => (/^0+$/.test(hex) ? '' : hex));

/** Microseconds and the rest; one in ten is beyond what a safe integer holds. */
const time = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.tuple(fc.nat({ max: Number.MAX_SAFE_INTEGER }), fc.nat({ max: 999 })),
  },
  { weight: 1, arbitrary: fc.constant<[number, number]>([Number.POSITIVE_INFINITY, 0]) },
);

const event: fc.Arbitrary<SpanEvent> = fc
  .record({ time, name: anyText, attributes })
  .map(({ time: [timeUs, timeNs], name, attributes: list }) => ({ timeUs, timeNs, name, attributes: list }));

export const anySpan: fc.Arbitrary<Span> = fc
  .record({
    traceId: hexId(16),
    spanId: hexId(8),
    parentSpanId: fc.oneof(fc.constant(''), hexId(8)),
    name: anyText,
    kind: fc.nat({ max: 5 }),
    start: time,
    end: time,
    attributes,
    events: fc.array(event, { maxLength: 3 }),
    statusCode: fc.nat({ max: 2 }),
    statusMessage: anyText,
  })
  .map(({ start: [startUs, startNs], end: [endUs, endNs], ...rest }) => ({ ...rest, startUs, startNs, endUs, endNs }));

export const anyLogRecord: fc.Arbitrary<LogRecord> = fc
  .record({
    time,
    observed: time,
    severity: fc.nat({ max: 24 }),
    severityText: anyText,
    eventName: anyText,
    body: anyValue,
    attributes,
    traceId: hexId(16),
    spanId: hexId(8),
  })
  .map(({ time: [timeUs, timeNs], observed: [observedUs, observedNs], ...rest }) => ({
    ...rest,
    timeUs,
    timeNs,
    observedUs,
    observedNs,
  }));

const resource: fc.Arbitrary<Resource> = fc.record({ attributes });
const scope: fc.Arbitrary<Scope> = fc.record({ name: anyText, version: anyText, attributes });

export const anyRequest = <R>(record: fc.Arbitrary<R>): fc.Arbitrary<RequestModel<R>> =>
  fc.array(
    fc.record({
      resource,
      scopes: fc.array(fc.record({ scope, records: fc.array(record, { maxLength: 4 }) }), { maxLength: 3 }),
    }),
    { maxLength: 3 },
  );
