/** Broken, odd and hostile OTLP/JSON: each case with what becomes of it. The record beside a broken one is always kept. */

import { describe, expect, test } from 'vitest';
import { decodeLogs, decodeTraces } from '../../receiver/decode/decode.ts';
import {
  type Attribute,
  DecodeError,
  type Span,
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
import { LIMITS } from '../../receiver/limits.ts';
import { drain, text } from '../helpers/otlp.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN_ID = 'b7ad6b7169203331';
const IDS = `"traceId":"${TRACE_ID}","spanId":"${SPAN_ID}"`;

const traces = (body: string | Uint8Array) =>
  drain(decodeTraces(typeof body === 'string' ? Buffer.from(body) : body, 'json'));
const around = (...spans: string[]): string => `{"resourceSpans":[{"scopeSpans":[{"spans":[${spans.join(',')}]}]}]}`;
const spanWith = (members: string): string => around(`{${IDS},${members}}`);
const attributeOf = (value: string): string => spanWith(`"attributes":[{"key":"k","value":${value}}]`);

function only(body: string | Uint8Array): Span {
  const { records, malformed } = traces(body);
  expect(malformed).toEqual([]);
  expect(records).toHaveLength(1);
  return records[0]?.record as Span;
}

/** The message that refuses the only span, with good neighbours on both sides kept. */
function refusal(members: string): string {
  const good = `{${IDS},"name":"good"}`;
  const { records, malformed } = traces(around(good, `{${IDS},${members}}`, good));
  expect(records.map(({ record }) => record.name)).toEqual(['good', 'good']);
  expect(malformed).toHaveLength(1);
  return malformed[0]?.message ?? '';
}

describe('requests that hold nothing', () => {
  const cases = [
    '{}',
    ' {\n}\t',
    '{"resourceSpans":[]}',
    '{"resourceSpans":null}',
    '{"resourceSpans":[null,{}]}',
    '{"resourceSpans":[{"resource":null,"scopeSpans":null}]}',
    '{"resourceSpans":[{"scopeSpans":[null,{},{"scope":null,"spans":null},{"spans":[null]}]}]}',
    '{"somethingNew":[1,{"a":[]}],"resourceSpans":[{"also":{"new":true}}]}',
    '\ufeff{"resourceSpans":[]}',
  ];
  test.each(cases)('%s', (body) => {
    expect(traces(body)).toEqual({ records: [], malformed: [] });
  });
});

describe('a body that is no request is refused as a whole, saying what to fix', () => {
  const cases: [string, RegExp][] = [
    ['', /empty request is \{\}/],
    ['  ', /empty request is \{\}/],
    ['null', /must be an object/],
    ['[]', /one object, not a list/],
    ['"text"', /must be an object/],
    ['{"resourceSpans":[]', /body ends where/],
    ['{"resourceSpans":[]}}', /something follows/],
    ['{"resourceSpans":[]} x', /something follows/],
    ['{}\n{}\n', /one request per body.*NDJSON/],
    ['{"resourceSpans":{}}', /resourceSpans must be a list/],
    ['{"resourceSpans":"x"}', /resourceSpans must be a list/],
    ['{"resourceSpans":[5]}', /resourceSpans\[0\]: resourceSpans must be an object/],
    ['{"resourceSpans":[{},[]]}', /resourceSpans\[1\]/],
    ['{"resourceSpans":[{"resource":[]}]}', /resource must be an object/],
    ['{"resourceSpans":[{"resource":{"attributes":{"a":"b"}}}]}', /resource.attributes must be a list.*not an object/],
    ['{"resourceSpans":[{"resource":{"attributes":[{"value":{"intValue":"x"}}]}}]}', /intValue must be/],
    ['{"resourceSpans":[{"scopeSpans":{}}]}', /scopeSpans must be a list/],
    ['{"resourceSpans":[{"scopeSpans":[{"scope":5}]}]}', /scope must be an object/],
    ['{"resourceSpans":[{"scopeSpans":[{"spans":{}}]}]}', /spans must be a list/],
    ['{"resourceSpans":[{"scopeSpans":[{"scope":{"attributes":{}}}]}]}', /scope.attributes must be a list/],
    ['{,}', /member name in quotes/],
    ['{"a":1,}', /member name in quotes/],
    ['{"a" 1}', /a colon/],
    ['{"a":1 "b":2}', /a comma or }/],
    ['{"resourceSpans":[{} {}]}', /a comma or \]/],
    ['{"resourceSpans":[{},]}', /must be an object/],
    ['{"a":[1,]}', /a value/],
    ['{"a":[1}', /a comma or \]/],
    ['{"a":{"b":1]}', /a comma or }/],
    ['{"a":01}', /a comma or }/],
    ['{"a":-}', /a digit/],
    ['{"a":1.}', /a digit/],
    ['{"a":.5}', /a value/],
    ['{"a":+1}', /a value/],
    ['{"a":1e}', /a digit/],
    ['{"a":NaN}', /NaN must be sent as the string/],
    ['{"a":Infinity}', /a value/],
    ['{"a":nul}', /a value/],
    ['{"a":True}', /a value/],
    ["{'a':1}", /member name in quotes/],
    ['{"a":"b}', /ends inside a string/],
    ['{"a":"\n"}', /control character/],
    ['{"a":"\\x"}', /unknown escape/],
    ['{"a":"\\u12g4"}', /four hex digits/],
    ['{"a":1 /* no */}', /a comma or }/],
    ['\u00a0{}', /must be an object/],
    [around('{"attributes":[{"key":"k","value":{"doubleValue":NaN}}]}'), /spans\[0\]: .*NaN/],
  ];
  test.each(cases)('%s', (body, message) => {
    expect(() => traces(body)).toThrow(DecodeError);
    expect(() => traces(body)).toThrow(message);
  });

  test('protobuf and gzip sent as JSON are refused', () => {
    expect(() => traces(Buffer.from('0a021200', 'hex'))).toThrow(DecodeError);
    expect(() => traces(Buffer.from('1f8b0800', 'hex'))).toThrow(DecodeError);
  });

  test('attributes as an object are refused with their place, even in the last of many spans, before anything is handed out', () => {
    const good = `{${IDS},"name":"good"}`;
    const body = around(
      ...Array.from({ length: 1500 }, () => good),
      `{${IDS},"attributes":{"secret-key":"secret-value"}}`,
    );
    const chunks = decodeTraces(Buffer.from(body), 'json')[Symbol.iterator]();
    const step = () => chunks.next();
    let message = '';
    try {
      step();
    } catch (error) {
      expect(error).toBeInstanceOf(DecodeError);
      message = (error as Error).message;
    }
    expect(message).toMatch(/^resourceSpans\[0\]\.scopeSpans\[0\]\.spans\[1500\]: attributes must be a list of/);
    expect(message).not.toContain('secret');
  });

  test('attributes as an object are refused in events too, and ignored inside a field that nobody knows', () => {
    expect(() => traces(spanWith('"events":[{"attributes":{}}]'))).toThrow(/events.attributes must be a list/);
    expect(only(spanWith('"future":{"attributes":{"a":1}}')).attributes).toEqual([]);
  });

  test.each([
    ['{"resourceLogs":[]}', /holds resourceLogs but no resourceSpans; send it to the path of its own signal/],
    ['{"resource_metrics":[]}', /holds resource_?[mM]etrics but no resourceSpans/],
    ['{"resource":{},"scopeSpans":[]}', /wrap it/],
  ])('%s sent as traces is refused, not taken for an empty request', (body, message) => {
    expect(() => traces(body)).toThrow(message);
  });
});

describe('a span that cannot be read is refused alone, with its place', () => {
  const cases: [string, RegExp][] = [
    ['"name":5', /name must be a string/],
    ['"name":{}', /name must be a string/],
    ['"kind":"SPAN_KIND_SERVANT"', /kind must be/],
    ['"kind":"SERVER"', /kind must be/],
    ['"kind":1.5', /kind must be/],
    ['"kind":true', /kind must be/],
    ['"status":5', /status must be an object/],
    ['"status":{"code":"OK"}', /status.code must be/],
    ['"events":{}', /events must be a list/],
    ['"events":[5]', /an event must be an object/],
    ['"attributes":"x"', /attributes must be a list/],
    ['"attributes":[5]', /attributes element must be an object/],
    ['"attributes":[{"key":5}]', /key must be a string/],
    ['"attributes":[{"key":"k","value":"bare"}]', /a value must be an object/],
    ...['""', '"0x10"', '" 12 "', '"1e3"', '"12 tokens"', '"-"', '1.5', '"1.5"', 'true', '[]', '{}'].map(
      (value): [string, RegExp] => [`"attributes":[{"key":"k","value":{"intValue":${value}}}]`, /intValue must be/],
    ),
    ...['"9223372036854775808"', '"-9223372036854775809"', '18446744073709551616', '1e30', '1e400'].map(
      (value): [string, RegExp] => [`"attributes":[{"key":"k","value":{"intValue":${value}}}]`, /signed 64-bit/],
    ),
    ...['"x"', '""', '"1e"', '" 1"', '"infinity"', 'true', '{}'].map((value): [string, RegExp] => [
      `"attributes":[{"key":"k","value":{"doubleValue":${value}}}]`,
      /doubleValue must be/,
    ]),
    ['"attributes":[{"key":"k","value":{"bytesValue":"a"}}]', /base64/],
    ['"attributes":[{"key":"k","value":{"bytesValue":"a b="}}]', /base64/],
    ['"attributes":[{"key":"k","value":{"bytesValue":"ab="}}]', /base64/],
    ['"attributes":[{"key":"k","value":{"bytesValue":"ab==cd=="}}]', /base64/],
    ['"attributes":[{"key":"k","value":{"bytesValue":[1,2]}}]', /bytesValue must be a string/],
    ['"attributes":[{"key":"k","value":{"boolValue":"true"}}]', /boolValue must be/],
    ['"attributes":[{"key":"k","value":{"stringValue":5}}]', /stringValue must be/],
    ['"attributes":[{"key":"k","value":{"arrayValue":[]}}]', /arrayValue must be an object/],
    ['"attributes":[{"key":"k","value":{"kvlistValue":{"values":{}}}}]', /kvlistValue.values must be a list/],
    ...['"x"', '""', '-1', '"-1"', '1.5', '"18446744073709551616"', '{"seconds":1}', '"2025-10-17T00:00:00Z"'].map(
      (value): [string, RegExp] => [`"startTimeUnixNano":${value}`, /startTimeUnixNano must be/],
    ),
    ['"endTimeUnixNano":"1e18"', /endTimeUnixNano must be/],
  ];
  test.each(cases)('%s', (members, message) => {
    expect(refusal(members)).toMatch(message);
    expect(refusal(members)).toMatch(/^resourceSpans\[0\]\.scopeSpans\[0\]\.spans\[1\]: .+ \(at byte \d+\)$/);
  });

  test.each(['5', '"x"', 'true', '[]'])('%s in the place of a span', (span) => {
    const { records, malformed } = traces(around(`{${IDS}}`, span));
    expect(records).toHaveLength(1);
    expect(malformed[0]?.message).toMatch(/spans\[1\]: a span must be an object/);
  });

  test('no message repeats what was sent', () => {
    const secret = 'sk-live-1234567890';
    for (const member of ['kind', 'startTimeUnixNano', 'events', 'status', 'attributes']) {
      expect(refusal(`"${member}":"${secret}"`)).not.toContain(secret);
    }
  });
});

describe('values', () => {
  const long = 'x'.repeat(50);
  const cases: [string, Value][] = [
    ['{}', { type: VALUE_EMPTY, value: null }],
    ['null', { type: VALUE_EMPTY, value: null }],
    ['{"stringValue":null}', { type: VALUE_EMPTY, value: null }],
    ['{"somethingNew":{"a":[1]}}', { type: VALUE_EMPTY, value: null }],
    ['{"stringValue":""}', { type: VALUE_STRING, value: '' }],
    [`{"string_value":"${long}"}`, { type: VALUE_STRING, value: long }],
    ['{"boolValue":false}', { type: VALUE_BOOL, value: false }],
    ['{"intValue":"5"}', { type: VALUE_INT, value: 5 }],
    ['{"intValue":-5}', { type: VALUE_INT, value: -5 }],
    ['{"intValue":5.0}', { type: VALUE_INT, value: 5 }],
    ['{"intValue":"5.00"}', { type: VALUE_INT, value: 5 }],
    ['{"intValue":5e3}', { type: VALUE_INT, value: 5000 }],
    ['{"intValue":"9007199254740993"}', { type: VALUE_INT, value: 9007199254740993n }],
    ['{"intValue":9007199254740993}', { type: VALUE_INT, value: 9007199254740993n }],
    ['{"intValue":"9223372036854775807"}', { type: VALUE_INT, value: 2n ** 63n - 1n }],
    ['{"intValue":-9223372036854775808}', { type: VALUE_INT, value: -(2n ** 63n) }],
    ['{"doubleValue":1}', { type: VALUE_DOUBLE, value: 1 }],
    ['{"doubleValue":"1.5e3"}', { type: VALUE_DOUBLE, value: 1500 }],
    ['{"doubleValue":"NaN"}', { type: VALUE_DOUBLE, value: Number.NaN }],
    ['{"doubleValue":"Infinity"}', { type: VALUE_DOUBLE, value: Number.POSITIVE_INFINITY }],
    ['{"doubleValue":"-Infinity"}', { type: VALUE_DOUBLE, value: Number.NEGATIVE_INFINITY }],
    ['{"doubleValue":1e400}', { type: VALUE_DOUBLE, value: Number.POSITIVE_INFINITY }],
    ['{"bytesValue":""}', { type: VALUE_BYTES, value: new Uint8Array() }],
    ['{"bytesValue":"+/8="}', { type: VALUE_BYTES, value: Uint8Array.of(0xfb, 0xff) }],
    ['{"bytesValue":"-_8"}', { type: VALUE_BYTES, value: Uint8Array.of(0xfb, 0xff) }],
    ['{"arrayValue":{}}', { type: VALUE_ARRAY, value: [] }],
    ['{"arrayValue":{"values":null}}', { type: VALUE_ARRAY, value: [] }],
    ['{"arrayValue":{"values":[null]}}', { type: VALUE_ARRAY, value: [{ type: VALUE_EMPTY, value: null }] }],
    ['{"kvlistValue":{"values":[null]}}', { type: VALUE_KVLIST, value: [] }],
    ['{"stringValue":"a","intValue":"1"}', { type: VALUE_INT, value: 1 }],
  ];
  test.each(cases)('%s', (value, expected) => {
    expect(only(attributeOf(value)).attributes).toEqual([{ key: 'k', ...expected }]);
  });

  test('base64 of 4 MB is checked without running out of stack', () => {
    const [attribute] = only(attributeOf(`{"bytesValue":"${'AAAA'.repeat(1_000_000)}"}`)).attributes;
    expect(attribute?.value).toHaveLength(3_000_000);
    expect(refusal(`"attributes":[{"key":"k","value":{"intValue":"${'1'.repeat(4_000_000)}x"}}]`)).toMatch(/intValue/);
  });
});

describe('ids', () => {
  const zeros = '0'.repeat(32);
  const cases: [string, string][] = [
    [`"${TRACE_ID.toUpperCase()}"`, TRACE_ID],
    [`"\\u0030${TRACE_ID.slice(1)}"`, TRACE_ID],
    [`"${Buffer.from(TRACE_ID, 'hex').toString('base64')}"`, TRACE_ID],
    [`"${Buffer.from(TRACE_ID, 'hex').toString('base64').replace('=', '!')}"`, ''],
    [`"${Buffer.alloc(16).toString('base64')}"`, ''],
    ['""', ''],
    ['null', ''],
    [`"${zeros}"`, ''],
    [`"${TRACE_ID.slice(1)}"`, ''],
    [`"${TRACE_ID}0"`, ''],
    [`"${TRACE_ID.slice(1)}g"`, ''],
    ['12345', ''],
    ['{"length":800000000}', ''],
    ['{"type":"Buffer","data":[1,2]}', ''],
    ['[1,2,3]', ''],
  ];
  test.each(cases)('%s', (id, expected) => {
    const span = only(around(`{"traceId":${id},"spanId":"${SPAN_ID}","name":"after"}`));
    expect(span).toMatchObject({ traceId: expected, spanId: SPAN_ID, name: 'after' });
  });

  test('a parent that is absent, empty, null or zero makes a root', () => {
    for (const parent of ['""', 'null', '"0000000000000000"']) {
      expect(only(spanWith(`"parentSpanId":${parent}`)).parentSpanId).toBe('');
    }
  });
});

describe('times', () => {
  const cases: [string, number, number][] = [
    ['null', 0, 0],
    ['0', 0, 0],
    ['"1"', 0, 1],
    ['"999"', 0, 999],
    ['"1000"', 1, 0],
    ['"1760738064624180123"', 1_760_738_064_624_180, 123],
    ['1760738064624180123', 1_760_738_064_624_180, 123],
    ['1.76e18', 1_760_000_000_000_000, 0],
    ['1760738064000000000.0', 1_760_738_064_000_000, 0],
    ['"9007199254740991999"', Number.MAX_SAFE_INTEGER, 999],
    ['"9007199254740992000"', Number.POSITIVE_INFINITY, 0],
    ['"18446744073709551615"', Number.POSITIVE_INFINITY, 0],
  ];
  test.each(cases)('%s', (nanos, us, ns) => {
    const span = only(spanWith(`"endTimeUnixNano":${nanos},"events":[{"timeUnixNano":${nanos}}]`));
    expect([span.endUs, span.endNs]).toEqual([us, ns]);
    expect([span.events[0]?.timeUs, span.events[0]?.timeNs]).toEqual([us, ns]);
  });
});

describe('text', () => {
  const cases: [string, string][] = [
    ['\\ud800', '\ufffd'],
    ['a\\udc00b', 'a\ufffdb'],
    ['\\ud83d\\ude00', '😀'],
    ['\\u0000', '\0'],
    ['\\"\\\\\\/\\b\\f\\n\\r\\t', '"\\/\b\f\n\r\t'],
    ['\u2028\ufeff', '\u2028\ufeff'],
    ["'; DROP TABLE runs; --", "'; DROP TABLE runs; --"],
  ];
  test.each(cases)('%s', (raw, expected) => {
    expect(only(spanWith(`"name":"${raw}"`)).name).toBe(expected);
    const long = 'a'.repeat(40);
    expect(only(spanWith(`"name":"${long}${raw}"`)).name).toBe(long + expected);
  });

  test('bytes that are no UTF-8 are replaced, with and without escapes beside them', () => {
    const [before = '', after = ''] = spanWith('"name":"@"').split('@');
    const body = (beside: string) =>
      Buffer.concat([Buffer.from(before), Buffer.from([0xff]), Buffer.from(beside + after)]);
    expect(only(body('')).name).toBe('\ufffd');
    expect(only(body('\\n')).name).toBe('\ufffd\n');
  });
});

describe('members', () => {
  test('snake_case, escapes in names and any order are understood', () => {
    const span = `{"end_time_unix_nano":"2000","span_id":"${SPAN_ID}","n\\u0061me":"x","trace_id":"${TRACE_ID}","parent_span_id":"${SPAN_ID}"}`;
    const group = `"scope_spans":[{"spans":[${span}],"scope":{"name":"tracer"}}],"resource":{"attributes":[{"key":"a","value":{"string_value":"b"}}]}`;
    const { records } = traces(`{"resource_spans":[{${group}}]}`);
    expect(records).toHaveLength(1);
    expect(records[0]?.resource.attributes).toEqual([text('a', 'b')]);
    expect(records[0]?.scope.name).toBe('tracer');
    expect(records[0]?.record).toMatchObject({
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      parentSpanId: SPAN_ID,
      name: 'x',
      endUs: 2,
    });
  });

  test('of a member sent twice the last counts, lists are joined', () => {
    const span = only(spanWith('"name":"a","name":"b","attributes":[{"key":"x"}],"attributes":[{"key":"y"}]'));
    expect(span.name).toBe('b');
    expect(span.attributes.map(({ key }) => key)).toEqual(['x', 'y']);
    const resource = (key: string) => `"resource":{"attributes":[{"key":"${key}"}]}`;
    const body = `{"resourceSpans":[{${resource('a')},"scopeSpans":[{"spans":[{}]}],${resource('b')},"scopeSpans":[{"spans":[{}]}]}]}`;
    const { records } = traces(body);
    expect(records.map((one) => one.resource.attributes[0]?.key)).toEqual(['b', 'b']);
  });

  test('__proto__ and constructor are keys like any other', () => {
    const span = only(
      spanWith(
        '"__proto__":{"name":"evil"},"constructor":1,"attributes":[{"key":"__proto__","value":{"stringValue":"v"}}]',
      ),
    );
    expect(span.name).toBe('');
    expect(span.attributes).toEqual([text('__proto__', 'v')]);
    expect(({} as Record<string, unknown>).name).toBeUndefined();
  });

  test('null stands for an absent member everywhere', () => {
    const names = 'traceState name kind startTimeUnixNano endTimeUnixNano attributes events links status flags'.split(
      ' ',
    );
    const span = only(spanWith(names.map((name) => `"${name}":null`).join(',')));
    expect(span).toMatchObject({ name: '', kind: 0, startUs: 0, endUs: 0, attributes: [], events: [], statusCode: 0 });
  });

  test('enums are numbers or the names of the protocol, unknown numbers are unset', () => {
    expect(only(spanWith('"kind":"SPAN_KIND_CLIENT","status":{"code":"STATUS_CODE_ERROR"}'))).toMatchObject({
      kind: 3,
      statusCode: 2,
    });
    expect(only(spanWith('"kind":99,"status":{"code":-1}'))).toMatchObject({ kind: 0, statusCode: 0 });
    const log = (severity: string) =>
      drain(
        decodeLogs(
          Buffer.from(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":${severity}}]}]}]}`),
          'json',
        ),
      ).records[0]?.record.severity;
    expect(
      ['1', '"SEVERITY_NUMBER_TRACE"', '"SEVERITY_NUMBER_INFO2"', '"SEVERITY_NUMBER_FATAL4"', '99'].map(log),
    ).toEqual([1, 1, 10, 24, 0]);
  });
});

describe('nesting', () => {
  const nested = (depth: number) =>
    `${'{"arrayValue":{"values":['.repeat(depth - 1)}{"stringValue":"x"}${']}}'.repeat(depth - 1)}`;
  const depthOf = (value: Value | Attribute): number =>
    value.type === VALUE_ARRAY && value.value[0] !== undefined ? 1 + depthOf(value.value[0]) : 1;

  test('values are kept to the limit, one level more refuses the span alone', () => {
    const [attribute] = only(attributeOf(nested(LIMITS.valueDepth))).attributes;
    expect(attribute && depthOf(attribute)).toBe(LIMITS.valueDepth);
    for (const depth of [LIMITS.valueDepth + 1, 101, 200_000]) {
      expect(refusal(`"attributes":[{"key":"k","value":${nested(depth)}}]`)).toMatch(/nested deeper than 64 levels/);
    }
  });

  test('a deep tree in an unknown field is skipped, one that never ends is refused', () => {
    expect(only(spanWith(`"x":${'['.repeat(200_000)}${']'.repeat(200_000)},"name":"n"`)).name).toBe('n');
    expect(() => traces(`{"x":${'['.repeat(200_000)}`)).toThrow(/body ends/);
    expect(() => traces(`{"x":${'['.repeat(1_100_000)}`)).toThrow(/nested deeper than/);
  });
});
