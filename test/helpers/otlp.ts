/**
 * OTLP requests for tests: built in the decoders' own shape, then written as protobuf (by protobufjs, from a descriptor of the protocol's field
 * numbers) or as OTLP/JSON. The encoders know nothing of the decoders.
 */

import protobuf from 'protobufjs';
import {
  type Attribute,
  type Chunk,
  type Encoding,
  type LogRecord,
  type Malformed,
  type Resource,
  type Scope,
  type Span,
  VALUE_ARRAY,
  VALUE_BOOL,
  VALUE_BYTES,
  VALUE_DOUBLE,
  VALUE_INT,
  VALUE_KVLIST,
  VALUE_STRING,
  type Value,
} from '../../receiver/decode/shape.ts';

export interface ScopeModel<R> {
  scope: Scope;
  records: R[];
}
export interface GroupModel<R> {
  resource: Resource;
  scopes: ScopeModel<R>[];
}
/** A whole request: what is sent, and what decoding it must give. */
export type RequestModel<R> = GroupModel<R>[];

type Fields = Record<string, { id: number; type: string; rule?: string }>;
const message = (fields: Record<string, string>, oneofs?: Record<string, { oneof: string[] }>) => {
  const built: Fields = {};
  for (const [name, text] of Object.entries(fields)) {
    const [id, type, rule] = text.split(' ');
    built[name] = { id: Number(id), type: String(type), ...(rule === undefined ? {} : { rule }) };
  }
  return { fields: built, ...(oneofs === undefined ? {} : { oneofs }) };
};

const VALUE_MEMBERS = [
  'stringValue',
  'boolValue',
  'intValue',
  'doubleValue',
  'arrayValue',
  'kvlistValue',
  'bytesValue',
];

/** Field number, type and rule of every field that tests send, as OTLP defines them. */
const root = protobuf.Root.fromJSON({
  nested: {
    AnyValue: message(
      {
        stringValue: '1 string',
        boolValue: '2 bool',
        intValue: '3 int64',
        doubleValue: '4 double',
        arrayValue: '5 ArrayValue',
        kvlistValue: '6 KeyValueList',
        bytesValue: '7 bytes',
      },
      { value: { oneof: VALUE_MEMBERS } },
    ),
    ArrayValue: message({ values: '1 AnyValue repeated' }),
    KeyValueList: message({ values: '1 KeyValue repeated' }),
    KeyValue: message({ key: '1 string', value: '2 AnyValue' }),
    Resource: message({ attributes: '1 KeyValue repeated', droppedAttributesCount: '2 uint32' }),
    Scope: message({ name: '1 string', version: '2 string', attributes: '3 KeyValue repeated' }),
    Event: message({ timeUnixNano: '1 fixed64', name: '2 string', attributes: '3 KeyValue repeated' }),
    Link: message({ traceId: '1 bytes', spanId: '2 bytes', traceState: '3 string' }),
    Status: message({ message: '2 string', code: '3 int32' }),
    Span: message({
      traceId: '1 bytes',
      spanId: '2 bytes',
      traceState: '3 string',
      parentSpanId: '4 bytes',
      name: '5 string',
      kind: '6 int32',
      startTimeUnixNano: '7 fixed64',
      endTimeUnixNano: '8 fixed64',
      attributes: '9 KeyValue repeated',
      droppedAttributesCount: '10 uint32',
      events: '11 Event repeated',
      links: '13 Link repeated',
      status: '15 Status',
      flags: '16 fixed32',
    }),
    LogRecord: message({
      timeUnixNano: '1 fixed64',
      severityNumber: '2 int32',
      severityText: '3 string',
      body: '5 AnyValue',
      attributes: '6 KeyValue repeated',
      flags: '8 fixed32',
      traceId: '9 bytes',
      spanId: '10 bytes',
      observedTimeUnixNano: '11 fixed64',
      eventName: '12 string',
    }),
    ScopeSpans: message({ scope: '1 Scope', spans: '2 Span repeated', schemaUrl: '3 string' }),
    ScopeLogs: message({ scope: '1 Scope', logRecords: '2 LogRecord repeated', schemaUrl: '3 string' }),
    ResourceSpans: message({ resource: '1 Resource', scopeSpans: '2 ScopeSpans repeated', schemaUrl: '3 string' }),
    ResourceLogs: message({ resource: '1 Resource', scopeLogs: '2 ScopeLogs repeated', schemaUrl: '3 string' }),
    TraceRequest: message({ resourceSpans: '1 ResourceSpans repeated' }),
    LogRequest: message({ resourceLogs: '1 ResourceLogs repeated' }),
  },
});

export const TRACE_TYPE = root.lookupType('TraceRequest');
export const LOG_TYPE = root.lookupType('LogRequest');

/** One form of the protobuf types or of OTLP/JSON: how ids, 64-bit numbers, doubles and bytes are written. */
interface Dialect {
  id: (hex: string) => unknown;
  nanos: (us: number, ns: number) => unknown;
  int: (value: number | bigint) => unknown;
  double: (value: number) => unknown;
  bytes: (value: Uint8Array) => unknown;
}

const low = (value: bigint): number => Number(BigInt.asIntN(32, value));
const longOf = (value: bigint, unsigned: boolean) => ({ low: low(value), high: low(value >> 32n), unsigned });
/** 2^64 - 1 stands for a time that is Infinity. */
const nanosOf = (us: number, ns: number): bigint =>
  us === Number.POSITIVE_INFINITY ? 2n ** 64n - 1n : BigInt(us) * 1000n + BigInt(ns);

const PROTOBUF: Dialect = {
  id: (hex) => Buffer.from(hex, 'hex'),
  nanos: (us, ns) => longOf(nanosOf(us, ns), true),
  int: (value) => longOf(BigInt(value), false),
  double: (value) => value,
  bytes: (value) => value,
};
const JSON_DIALECT: Dialect = {
  id: (hex) => hex,
  nanos: (us, ns) => String(nanosOf(us, ns)),
  int: (value) => String(value),
  double: (value) =>
    Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? '-0' : String(value),
  bytes: (value) => Buffer.from(value).toString('base64'),
};

function anyValue(dialect: Dialect, value: Value): object {
  switch (value.type) {
    case VALUE_STRING:
      return { stringValue: value.value };
    case VALUE_BOOL:
      return { boolValue: value.value };
    case VALUE_INT:
      return { intValue: dialect.int(value.value) };
    case VALUE_DOUBLE:
      return { doubleValue: dialect.double(value.value) };
    case VALUE_ARRAY:
      return { arrayValue: { values: value.value.map((element) => anyValue(dialect, element)) } };
    case VALUE_KVLIST:
      return { kvlistValue: { values: value.value.map((element) => keyValue(dialect, element)) } };
    case VALUE_BYTES:
      return { bytesValue: dialect.bytes(value.value) };
    default:
      return {};
  }
}

const keyValue = (dialect: Dialect, attribute: Attribute): object => ({
  key: attribute.key,
  value: anyValue(dialect, attribute),
});

const attributesOf = (dialect: Dialect, attributes: Attribute[]): object[] =>
  attributes.map((attribute) => keyValue(dialect, attribute));

const spanMessage = (dialect: Dialect, span: Span): object => ({
  traceId: dialect.id(span.traceId),
  spanId: dialect.id(span.spanId),
  ...(span.parentSpanId === '' ? {} : { parentSpanId: dialect.id(span.parentSpanId) }),
  name: span.name,
  kind: span.kind,
  startTimeUnixNano: dialect.nanos(span.startUs, span.startNs),
  endTimeUnixNano: dialect.nanos(span.endUs, span.endNs),
  attributes: attributesOf(dialect, span.attributes),
  events: span.events.map((event) => ({
    timeUnixNano: dialect.nanos(event.timeUs, event.timeNs),
    name: event.name,
    attributes: attributesOf(dialect, event.attributes),
  })),
  status: { message: span.statusMessage, code: span.statusCode },
});

const logMessage = (dialect: Dialect, record: LogRecord): object => ({
  timeUnixNano: dialect.nanos(record.timeUs, record.timeNs),
  observedTimeUnixNano: dialect.nanos(record.observedUs, record.observedNs),
  severityNumber: record.severity,
  severityText: record.severityText,
  eventName: record.eventName,
  body: anyValue(dialect, record.body),
  attributes: attributesOf(dialect, record.attributes),
  traceId: dialect.id(record.traceId),
  spanId: dialect.id(record.spanId),
});

function requestOf<R>(
  dialect: Dialect,
  request: RequestModel<R>,
  names: { groups: string; scopes: string; records: string },
  recordMessage: (dialect: Dialect, record: R) => object,
): object {
  return {
    [names.groups]: request.map((group) => ({
      resource: { attributes: attributesOf(dialect, group.resource.attributes) },
      [names.scopes]: group.scopes.map(({ scope, records }) => ({
        scope: { ...scope, attributes: attributesOf(dialect, scope.attributes) },
        [names.records]: records.map((record) => recordMessage(dialect, record)),
      })),
    })),
  };
}

const TRACE_NAMES = { groups: 'resourceSpans', scopes: 'scopeSpans', records: 'spans' };
const LOG_NAMES = { groups: 'resourceLogs', scopes: 'scopeLogs', records: 'logRecords' };

const write = (type: protobuf.Type, content: object): Uint8Array => type.encode(content as protobuf.Message).finish();

/** An ExportTraceServiceRequest. */
export function traceBody(request: RequestModel<Span>, encoding: Encoding): Uint8Array {
  if (encoding === 'protobuf') return write(TRACE_TYPE, requestOf(PROTOBUF, request, TRACE_NAMES, spanMessage));
  return Buffer.from(JSON.stringify(requestOf(JSON_DIALECT, request, TRACE_NAMES, spanMessage)));
}

/** An ExportLogsServiceRequest. */
export function logBody(request: RequestModel<LogRecord>, encoding: Encoding): Uint8Array {
  if (encoding === 'protobuf') return write(LOG_TYPE, requestOf(PROTOBUF, request, LOG_NAMES, logMessage));
  return Buffer.from(JSON.stringify(requestOf(JSON_DIALECT, request, LOG_NAMES, logMessage)));
}

/** A span with everything set to what an absent field means, except what is given. */
export const span = (given: Partial<Span> = {}): Span => ({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: '',
  name: 'work',
  kind: 1,
  startUs: 1_760_000_000_000_000,
  startNs: 123,
  endUs: 1_760_000_001_500_000,
  endNs: 789,
  attributes: [],
  events: [],
  statusCode: 0,
  statusMessage: '',
  ...given,
});

/** A log record with everything set to what an absent field means, except what is given. */
export const logRecord = (given: Partial<LogRecord> = {}): LogRecord => ({
  timeUs: 1_760_000_000_000_000,
  timeNs: 1,
  observedUs: 1_760_000_000_000_100,
  observedNs: 2,
  severity: 9,
  severityText: 'INFO',
  eventName: '',
  body: { type: VALUE_STRING, value: 'done' },
  attributes: [],
  traceId: '',
  spanId: '',
  ...given,
});

export const text = (key: string, value: string): Attribute => ({ key, type: VALUE_STRING, value });
export const int = (key: string, value: number | bigint): Attribute => ({ key, type: VALUE_INT, value });
export const double = (key: string, value: number): Attribute => ({ key, type: VALUE_DOUBLE, value });
export const bool = (key: string, value: boolean): Attribute => ({ key, type: VALUE_BOOL, value });

/** One resource and one scope around records. */
export const requestWith = <R>(...records: R[]): RequestModel<R> => [
  {
    resource: { attributes: [text('service.name', 'enrich')] },
    scopes: [{ scope: { name: 'runledger', version: '1.0.0', attributes: [] }, records }],
  },
];

/** All that a decoder hands out, with each record beside its resource and scope. */
export interface Decoded<R> {
  records: { resource: Resource; scope: Scope; record: R }[];
  malformed: Malformed[];
}

export function drain<R extends Span | LogRecord>(chunks: Iterable<Chunk<R>>): Decoded<R> {
  const all: Decoded<R> = { records: [], malformed: [] };
  for (const { resource, scope, records, malformed } of chunks) {
    for (const record of records) all.records.push({ resource, scope, record });
    all.malformed.push(...malformed);
  }
  return all;
}

/** What draining a request of this model must give. */
export const flatten = <R>(request: RequestModel<R>): Decoded<R>['records'] =>
  request.flatMap(({ resource, scopes }) =>
    scopes.flatMap(({ scope, records }) => records.map((record) => ({ resource, scope, record }))),
  );
