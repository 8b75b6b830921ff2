/**
 * The one shape that both OTLP encodings decode to; map/ reads nothing else.
 *
 * Times: OTLP sends unsigned 64-bit nanoseconds. Here a time is whole microseconds since the epoch, floored (`...Us`, exact in a
 * double until the year 2255), and the nanoseconds within that microsecond, 0..999 (`...Ns`). 0 means "not sent"; a value that does
 * not fit a safe integer of microseconds is Infinity, which map refuses as `no_time`.
 *
 * Strings are well-formed Unicode (invalid UTF-8 and lone surrogates become U+FFFD) but may still hold NUL.
 */

/** The AnyValue field numbers of common.proto; EMPTY is an AnyValue with nothing set. */
export const VALUE_EMPTY = 0;
export const VALUE_STRING = 1;
export const VALUE_BOOL = 2;
export const VALUE_INT = 3;
export const VALUE_DOUBLE = 4;
export const VALUE_ARRAY = 5;
export const VALUE_KVLIST = 6;
export const VALUE_BYTES = 7;

/** INT holds a number while it is a safe integer, else a bigint; DOUBLE may be NaN or infinite; EMPTY holds null. */
export type Value =
  | { type: typeof VALUE_EMPTY; value: null }
  | { type: typeof VALUE_STRING; value: string }
  | { type: typeof VALUE_BOOL; value: boolean }
  | { type: typeof VALUE_INT; value: number | bigint }
  | { type: typeof VALUE_DOUBLE; value: number }
  | { type: typeof VALUE_ARRAY; value: Value[] }
  | { type: typeof VALUE_KVLIST; value: Attribute[] }
  | { type: typeof VALUE_BYTES; value: Uint8Array };

/** One key with its value. A list may hold a key twice; the last one counts. */
export type Attribute = { key: string } & Value;

export interface Resource {
  attributes: Attribute[];
}

export interface Scope {
  name: string;
  version: string;
  attributes: Attribute[];
}

/**
 * Ids are lower-case hex: 32 digits for a trace, 16 for a span. An id that is absent, of a wrong length, not hex (nor base64 of the right
 * length) or all zero is ''. A parent that is absent or all zero is '' as well: a root.
 */
export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  /** SpanKind: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number;
  startUs: number;
  startNs: number;
  endUs: number;
  endNs: number;
  attributes: Attribute[];
  events: SpanEvent[];
  /** 0 unset, 1 ok, 2 error. */
  statusCode: number;
  statusMessage: string;
}

export interface SpanEvent {
  timeUs: number;
  timeNs: number;
  name: string;
  attributes: Attribute[];
}

export interface LogRecord {
  timeUs: number;
  timeNs: number;
  observedUs: number;
  observedNs: number;
  /** SeverityNumber 0..24; ERROR starts at 17. */
  severity: number;
  severityText: string;
  eventName: string;
  body: Value;
  attributes: Attribute[];
  /** '' when the record belongs to no span. */
  traceId: string;
  spanId: string;
}

/** Why one span or record could not be read, while the request around it could. */
export interface Malformed {
  /** What to fix, for the sender. Never holds payload text. */
  message: string;
}

/** Up to `LIMITS.chunkRecords` records that share a resource and a scope. */
export interface Chunk<R extends Span | LogRecord> {
  resource: Resource;
  scope: Scope;
  records: R[];
  malformed: Malformed[];
}

export type SpanChunk = Chunk<Span>;
export type LogChunk = Chunk<LogRecord>;

export type Encoding = 'protobuf' | 'json';

/**
 * The body is no such message; the whole request is answered 400 with `message` (what to fix and where, never payload text).
 * Thrown by the decoders before the first chunk is handed out.
 */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}
