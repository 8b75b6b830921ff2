/** Broken, odd and hostile protobuf: each case with what becomes of it. The record beside a broken one is always kept. */

import { describe, expect, test } from 'vitest';
import { checkMetrics, decodeLogs, decodeTraces } from '../../receiver/decode/decode.ts';
import {
  type Attribute,
  DecodeError,
  type Span,
  VALUE_ARRAY,
  VALUE_EMPTY,
  type Value,
} from '../../receiver/decode/shape.ts';
import { LIMITS } from '../../receiver/limits.ts';
import { drain, int, logBody, logRecord, requestWith, text } from '../helpers/otlp.ts';
import { finish } from '../helpers/steps.ts';
import {
  attributeOf,
  bytesField,
  fixed64Field,
  IDS,
  joined,
  requestOf,
  spanWith,
  varint,
  varintField,
} from '../helpers/wire_bytes.ts';

const traces = (body: Uint8Array) => drain(decodeTraces(body, 'protobuf'));
const only = (body: Uint8Array): Span => {
  const { records, malformed } = traces(body);
  expect(malformed).toEqual([]);
  expect(records).toHaveLength(1);
  return records[0]?.record as Span;
};
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

test('an empty body is an empty request', () => {
  expect([...decodeTraces(new Uint8Array(), 'protobuf')]).toEqual([]);
  expect([...decodeLogs(new Uint8Array(), 'protobuf')]).toEqual([]);
});

describe('a broken envelope refuses the whole request', () => {
  const cases: [string, Uint8Array, RegExp][] = [
    ['truncated varint', bytes('0a80'), /ends inside a field/],
    ['varint of 11 bytes', bytes('0affffffffffffffffffff01'), /longer than 10 bytes/],
    ['negative length', joined(bytes('0a'), varint(-1)), /length runs past/],
    ['length one too long', bytes('0a04120100'), /length runs past/],
    ['wrong wire type of resource_spans', varintField(1, 5), /field 1 is not length-delimited/],
    ['wrong wire type of scope_spans', bytesField(1, varintField(2, 5)), /resourceSpans\[0\]: field 2/],
    ['wrong wire type of spans', requestOf(fixed64Field(2, 5n)), /scopeSpans\[0\]: field 2/],
    ['start of a group', bytes('0b'), /not length-delimited/],
    ['a group of another number', bytes('2b2c'), /a group/],
    ['wire type 7', bytes('2f'), /wire type/],
    ['field 0', bytes('0200'), /field number/],
    ['a field number beyond 29 bits', joined(varint(2n ** 33n), bytes('00')), /field number/],
    [
      'a resource that is broken inside',
      bytesField(1, bytesField(1, bytes('0aff')), bytesField(2)),
      /resourceSpans\[0\]: /,
    ],
    ['a scope that is broken inside', requestOf(bytesField(1, bytes('0a05'))), /scopeSpans\[0\]: /],
    ['JSON sent as protobuf', Buffer.from('{"resourceSpans":[]}'), /./],
    ['gzip sent as protobuf', bytes('1f8b08000000000000'), /./],
  ];
  test.each(cases)('%s', (_, body, message) => {
    expect(() => traces(body)).toThrow(DecodeError);
    expect(() => traces(body)).toThrow(message);
  });

  test('a break in the last of many groups comes before anything is handed out', () => {
    const good = spanWith(bytesField(5, 'good'));
    const body = joined(...Array.from({ length: 2000 }, () => good), bytes('0a05'));
    const chunks = decodeTraces(body, 'protobuf')[Symbol.iterator]();
    expect(() => chunks.next()).toThrow(DecodeError);
  });
});

describe('a span that is broken inside its own bytes is refused alone', () => {
  const cases: [string, Uint8Array][] = [
    ['truncated varint', bytes('3080')],
    ['a length beyond the span', bytes('2a7f41')],
    ['negative length', joined(bytes('2a'), varint(-5))],
    ['a group', bytes('1b1c')],
    ['field 0', bytes('0200')],
    ['truncated time', bytes('3901020304')],
    ['truncated double', attributeOf(bytes('21010203'))],
    ['an attribute that runs past itself', bytes('4a030a0541')],
    ['a value that ends in a tag', attributeOf(bytes('18'))],
    ['a broken event', bytesField(11, bytes('12'))],
    ['a broken status', bytesField(15, bytes('1a'))],
  ];
  test.each(cases)('%s', (_, broken) => {
    const good = bytesField(2, ...IDS, bytesField(5, 'good'));
    const { records, malformed } = traces(requestOf(good, bytesField(2, ...IDS, broken), good));
    expect(records.map(({ record }) => record.name)).toEqual(['good', 'good']);
    expect(malformed).toHaveLength(1);
    expect(malformed[0]?.message).toMatch(/^resourceSpans\[0\]\.scopeSpans\[0\]\.spans\[1\]: .+ \(at byte \d+\)$/);
  });
});

describe('nesting', () => {
  const nested = (depth: number): Uint8Array => {
    let value = bytesField(1, 'x');
    for (let level = 1; level < depth; level++) value = bytesField(5, bytesField(1, value));
    return value;
  };
  const depthOf = (value: Value | Attribute): number =>
    value.type === VALUE_ARRAY && value.value[0] !== undefined ? 1 + depthOf(value.value[0]) : 1;

  test('values are kept to the limit', () => {
    const [attribute] = only(spanWith(attributeOf(nested(LIMITS.valueDepth)))).attributes;
    expect(attribute && depthOf(attribute)).toBe(LIMITS.valueDepth);
  });

  test.each([LIMITS.valueDepth + 1, 101])('%d levels refuse the span alone', (depth) => {
    const { records, malformed } = traces(spanWith(attributeOf(nested(depth))));
    expect(records).toEqual([]);
    expect(malformed[0]?.message).toMatch(/nested deeper than 64 levels/);
  });

  test('200,000 levels do not exhaust the stack', () => {
    // Built from the inside outwards into one buffer, as nesting by copies would take 20 GB.
    const parts: Uint8Array[] = [];
    let size = 0;
    for (let level = 0; level < 200_000; level++) {
      const list = joined(bytes('0a'), varint(size));
      const head = joined(bytes('2a'), varint(size + list.length), list);
      parts.push(head);
      size += head.length;
    }
    const { malformed } = traces(spanWith(attributeOf(Buffer.concat(parts.reverse()))));
    expect(malformed[0]?.message).toMatch(/nested deeper/);
  });
});

describe('protobuf rules', () => {
  test('unknown fields of every wire type are skipped on every level', () => {
    const unknown = joined(
      varintField(200, -1),
      fixed64Field(201, 7n),
      bytesField(202, 'x'),
      joined(varint((203 << 3) | 5), bytes('01020304')),
    );
    const value = joined(unknown, bytesField(1, 'v'), unknown);
    const attribute = bytesField(9, unknown, bytesField(1, 'k'), unknown, bytesField(2, value));
    const record = bytesField(2, unknown, ...IDS, attribute, unknown);
    const body = joined(
      unknown,
      bytesField(1, unknown, bytesField(1, unknown), bytesField(2, unknown, bytesField(1, unknown), record, unknown)),
    );
    expect(only(body).attributes).toEqual([text('k', 'v')]);
  });

  test('a field of another wire type is an unknown field', () => {
    const span = only(spanWith(varintField(5, 7), varintField(7, 7), bytesField(6, 'server'), bytesField(5, 'name')));
    expect(span).toMatchObject({ name: 'name', kind: 0, startUs: 0 });
  });

  test('resource and scope may follow their records, and come in pieces', () => {
    const piece = (key: string) => bytesField(1, bytesField(1, bytesField(1, key), bytesField(2, bytesField(1, 'v'))));
    const scope = joined(
      bytesField(2, ...IDS),
      bytesField(1, bytesField(1, 'tracer')),
      bytesField(1, bytesField(2, '2')),
    );
    const { records } = traces(bytesField(1, piece('a'), bytesField(2, scope), piece('b')));
    expect(records[0]?.resource.attributes).toEqual([text('a', 'v'), text('b', 'v')]);
    expect(records[0]?.scope).toEqual({ name: 'tracer', version: '2', attributes: [] });
  });

  test('of a field sent twice the last counts, of a oneof the last member', () => {
    const span = only(
      spanWith(bytesField(5, 'a'), bytesField(5, 'b'), attributeOf(bytesField(1, 's'), varintField(3, 9))),
    );
    expect(span.name).toBe('b');
    expect(span.attributes).toEqual([int('k', 9)]);
  });

  test('integers are signed, exact and numbers while they are safe', () => {
    const values = [0n, -1n, 2n ** 53n - 1n, 2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)];
    const span = only(spanWith(...values.map((value) => attributeOf(varintField(3, value)))));
    expect(span.attributes.map(({ value }) => value)).toEqual([
      0,
      -1,
      2 ** 53 - 1,
      2n ** 53n,
      -(2n ** 53n),
      2n ** 63n - 1n,
      -(2n ** 63n),
    ]);
  });

  test('unknown and negative enum numbers are unset', () => {
    const status = bytesField(15, varintField(3, 3));
    expect(only(spanWith(varintField(6, 99), status))).toMatchObject({ kind: 0, statusCode: 0 });
    expect(only(spanWith(varintField(6, -1)))).toMatchObject({ kind: 0 });
  });

  test('an attribute without key or value is kept as such', () => {
    expect(only(spanWith(bytesField(9))).attributes).toEqual([{ key: '', type: VALUE_EMPTY, value: null }]);
  });
});

describe('ids', () => {
  test.each([0, 7, 15, 17, 32])('of %d bytes are none', (length) => {
    const id = Buffer.alloc(length, 0x61);
    const span = only(requestOf(bytesField(2, bytesField(1, id), bytesField(2, id), bytesField(4, id))));
    expect(span).toMatchObject({ traceId: '', spanId: '', parentSpanId: '' });
  });

  test('of zeros are none, a zero parent makes a root', () => {
    const record = bytesField(
      2,
      bytesField(1, Buffer.alloc(16)),
      bytesField(2, Buffer.alloc(8)),
      bytesField(4, Buffer.alloc(8)),
    );
    expect(only(requestOf(record))).toMatchObject({ traceId: '', spanId: '', parentSpanId: '' });
  });

  test('hex text in place of bytes is none, and does not harm its neighbours', () => {
    const hex = bytesField(2, bytesField(1, 'ab'.repeat(16)), bytesField(2, 'cd'.repeat(8)));
    const { records, malformed } = traces(requestOf(hex, bytesField(2, ...IDS)));
    expect(malformed).toEqual([]);
    expect(records.map(({ record }) => record.spanId)).toEqual(['', 'cdcdcdcdcdcdcdcd']);
  });

  test('logs sent as traces are spans without ids, for the caller to explain', () => {
    const body = logBody(requestWith(logRecord(), logRecord()), 'protobuf');
    const { records } = traces(body);
    expect(records.every(({ record }) => record.traceId === '' && record.spanId === '')).toBe(true);
    expect(records.length).toBe(2);
  });
});

describe('text', () => {
  const cases: [string, string, string][] = [
    ['a byte that is no UTF-8', 'ff', '\ufffd'],
    ['an overlong slash', 'c0af', '\ufffd\ufffd'],
    ['a surrogate', 'eda080', '\ufffd\ufffd\ufffd'],
    ['a cut emoji', 'f09f98', '\ufffd'],
    ['a NUL, which the mapping replaces', '610062', 'a\0b'],
    ['a byte order mark', 'efbbbf61', '\ufeffa'],
    ['right-to-left text', 'd7a9d79cd795d79d', 'שלום'],
  ];
  test.each(cases)('%s', (_, hex, expected) => {
    const raw = Buffer.from(hex, 'hex');
    const long = Buffer.concat([Buffer.alloc(40, 0x61), raw]);
    const span = only(spanWith(bytesField(5, raw), attributeOf(bytesField(1, long))));
    expect(span.name).toBe(expected);
    expect(span.attributes).toEqual([text('k', `${'a'.repeat(40)}${expected}`)]);
  });

  test('strings that share a place in the lookup table are never mistaken for each other', () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `name-${index % 10_000}`);
    const { records } = traces(requestOf(...names.map((name) => bytesField(2, ...IDS, bytesField(5, name)))));
    expect(records.map(({ record }) => record.name)).toEqual(names);
  });

  test('a key of 1 MB is kept', () => {
    const key = 'k'.repeat(1_000_000);
    const span = only(spanWith(bytesField(9, bytesField(1, key), bytesField(2, bytesField(1, 'v')))));
    expect(span.attributes[0]?.key).toBe(key);
  });
});

describe('times', () => {
  const cases: [bigint, number, number][] = [
    [0n, 0, 0],
    [1n, 0, 1],
    [999n, 0, 999],
    [1000n, 1, 0],
    [2n ** 32n - 1n, 4_294_967, 295],
    [2n ** 32n, 4_294_967, 296],
    [1_760_738_064_624_180_123n, 1_760_738_064_624_180, 123],
    [9_007_199_254_740_991_999n, Number.MAX_SAFE_INTEGER, 999],
    [9_007_199_254_740_992_000n, Number.POSITIVE_INFINITY, 0],
    [2n ** 63n, Number.POSITIVE_INFINITY, 0],
    [2n ** 64n - 1n, Number.POSITIVE_INFINITY, 0],
  ];
  test.each(cases)('%d ns', (nanos, us, ns) => {
    const span = only(spanWith(fixed64Field(7, nanos), bytesField(11, fixed64Field(1, nanos))));
    expect([span.startUs, span.startNs]).toEqual([us, ns]);
    expect([span.events[0]?.timeUs, span.events[0]?.timeNs]).toEqual([us, ns]);
  });
});

/** The part of the generated module that is used here; its own types are those of the library's root. */
interface Generated {
  default: {
    opentelemetry: {
      proto: {
        collector: {
          metrics: { v1: { ExportMetricsServiceRequest: { encode(content: object): { finish(): Uint8Array } } } };
        };
      };
    };
  };
}

test('metrics: all kinds of data points of an official encoder are counted', async () => {
  const generated = (await import('otlp-proto-oracle/build/src/generated/root.js')) as unknown as Generated;
  const Request = generated.default.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
  const data = (count: number) => ({ dataPoints: Array.from({ length: count }, () => ({ count: 3, asInt: 4 })) });
  const metrics = [
    { name: 'g', gauge: data(2) },
    { name: 's', sum: data(3) },
    { name: 'h', histogram: data(5) },
    { name: 'e', exponentialHistogram: data(7) },
    { name: 'q', summary: data(11) },
  ];
  const group = { resource: {}, scopeMetrics: [{ scope: { name: 'x' }, metrics }, { metrics }] };
  const body = Request.encode({ resourceMetrics: [group, group] }).finish();
  expect(finish(checkMetrics(body, 'protobuf')).dataPoints).toBe(4 * 28);
  expect(() => finish(checkMetrics(body.subarray(0, body.length - 1), 'protobuf'))).toThrow(DecodeError);
});
