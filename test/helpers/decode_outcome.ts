/** Decodes whatever bytes it is given and checks what must hold for all of them. Shared by the tests and the long fuzz run. */

import { checkMetrics, decodeLogs, decodeTraces } from '../../receiver/decode/decode.ts';
import {
  type Attribute,
  type Chunk,
  DecodeError,
  type Encoding,
  type LogRecord,
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
import { finish } from './steps.ts';

export interface Outcome {
  refused: boolean;
  records: number;
  malformed: number;
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`a decoder broke its promise: ${what}`);
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function checkText(value: unknown): void {
  must(typeof value === 'string' && !LONE_SURROGATE.test(value), 'text is well-formed');
}

function checkTime(us: number, ns: number): void {
  must(us === Number.POSITIVE_INFINITY || (Number.isSafeInteger(us) && us >= 0), 'microseconds are whole');
  must(Number.isInteger(ns) && ns >= 0 && ns <= 999, 'the rest is below a microsecond');
}

function checkValue({ type, value }: Value, depth: number): void {
  must(depth <= LIMITS.valueDepth, 'nesting is limited');
  if (type === VALUE_STRING) checkText(value);
  else if (type === VALUE_BOOL) must(typeof value === 'boolean', 'bool');
  else if (type === VALUE_INT) must(isInt(value), 'an int is a number while that is exact');
  else if (type === VALUE_DOUBLE) must(typeof value === 'number', 'double');
  else if (type === VALUE_BYTES) must(value instanceof Uint8Array, 'bytes');
  else if (type === VALUE_KVLIST) checkAttributes(value, depth + 1);
  else if (type === VALUE_ARRAY) for (const element of value) checkValue(element, depth + 1);
  else must(type === VALUE_EMPTY && value === null, 'an empty value holds null');
}

const isInt = (value: number | bigint): boolean =>
  typeof value === 'number' ? Number.isSafeInteger(value) : !Number.isSafeInteger(Number(value));

function checkAttributes(attributes: Attribute[], depth: number): void {
  must(attributes.length <= LIMITS.attributesPerRecord, 'lists are limited');
  for (const attribute of attributes) {
    checkText(attribute.key);
    checkValue(attribute, depth);
  }
}

const isId = (id: string, digits: number): boolean => id === '' || (id.length === digits && /^[0-9a-f]+$/.test(id));

function checkSpan(span: Span): void {
  must(isId(span.traceId, 32) && isId(span.spanId, 16) && isId(span.parentSpanId, 16), 'ids are hex');
  must(span.kind >= 0 && span.kind <= 5 && span.statusCode >= 0 && span.statusCode <= 2, 'enums are known');
  checkText(span.name);
  checkText(span.statusMessage);
  checkTime(span.startUs, span.startNs);
  checkTime(span.endUs, span.endNs);
  checkAttributes(span.attributes, 1);
  must(span.events.length <= LIMITS.eventsPerSpan, 'events are limited');
  for (const event of span.events) {
    checkText(event.name);
    checkTime(event.timeUs, event.timeNs);
    checkAttributes(event.attributes, 1);
  }
}

function checkLogRecord(record: LogRecord): void {
  must(isId(record.traceId, 32) && isId(record.spanId, 16), 'ids are hex');
  must(record.severity >= 0 && record.severity <= 24, 'the severity is known');
  checkText(record.severityText);
  checkText(record.eventName);
  checkTime(record.timeUs, record.timeNs);
  checkTime(record.observedUs, record.observedNs);
  checkValue(record.body, 1);
  checkAttributes(record.attributes, 1);
}

function outcomeOf<R extends Span | LogRecord>(chunks: Iterable<Chunk<R>>, check: (record: R) => void): Outcome {
  const outcome: Outcome = { refused: false, records: 0, malformed: 0 };
  try {
    for (const chunk of chunks) {
      must(chunk.records.length + chunk.malformed.length <= LIMITS.chunkRecords, 'chunks are limited');
      checkAttributes(chunk.resource.attributes, 1);
      checkAttributes(chunk.scope.attributes, 1);
      chunk.records.forEach(check);
      outcome.records += chunk.records.length;
      outcome.malformed += chunk.malformed.length;
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    must(outcome.records + outcome.malformed === 0, 'a request is refused before anything is handed out');
    outcome.refused = true;
  }
  return outcome;
}

export const traceOutcome = (body: Uint8Array, encoding: Encoding): Outcome =>
  outcomeOf(decodeTraces(body, encoding), checkSpan);

export const logOutcome = (body: Uint8Array, encoding: Encoding): Outcome =>
  outcomeOf(decodeLogs(body, encoding), checkLogRecord);

export function metricsOutcome(body: Uint8Array, encoding: Encoding): void {
  try {
    must(finish(checkMetrics(body, encoding)).dataPoints >= 0, 'points are counted');
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
}
