/**
 * Resources, scopes, spans and log records from protobuf, straight into the shape of shape.ts. Fields may come in any order; of a single
 * field sent twice the last counts, lists sent in pieces are joined.
 */

import { LIMITS } from '../limits.ts';
import { RECORD_VALUES } from './budget.ts';
import { spanIdOfBytes, traceIdOfBytes } from './ids.ts';
import {
  type Attribute,
  type LogRecord,
  type Resource,
  type Scope,
  type Span,
  type SpanEvent,
  VALUE_EMPTY,
  type Value,
} from './shape.ts';
import { microsOf, nanosOf } from './times.ts';
import { countSkipped, readEnd, readEnum, readFixed, readTag, skipField, type Wire } from './wire.ts';
import { readAttribute, readString, readValueObject } from './wire_values.ts';

/** Highest numbers of the protocol's enums. */
const MAX_KIND = 5;
const MAX_STATUS = 2;
const MAX_SEVERITY = 24;

/** Reads a Resource that ends at `limit` into `resource`, which may already hold an earlier part of it. */
export function readResource(wire: Wire, limit: number, resource: Resource): void {
  while (wire.pos < limit) {
    const tag = readTag(wire, limit);
    if (tag === ((1 << 3) | 2)) readAttribute(wire, readEnd(wire, limit), 1, resource.attributes);
    else skipField(wire, tag, limit);
  }
}

/** Reads an InstrumentationScope that ends at `limit` into `scope`, which may already hold an earlier part of it. */
export function readScope(wire: Wire, limit: number, scope: Scope): void {
  while (wire.pos < limit) {
    const tag = readTag(wire, limit);
    switch (tag) {
      case (1 << 3) | 2:
        scope.name = readString(wire, limit);
        break;
      case (2 << 3) | 2:
        scope.version = readString(wire, limit);
        break;
      case (3 << 3) | 2:
        readAttribute(wire, readEnd(wire, limit), 1, scope.attributes);
        break;
      default:
        skipField(wire, tag, limit);
    }
  }
}

function readTraceId(wire: Wire, limit: number): string {
  const end = readEnd(wire, limit);
  const id = traceIdOfBytes(wire, wire.pos, end);
  wire.pos = end;
  return id;
}

function readSpanId(wire: Wire, limit: number): string {
  const end = readEnd(wire, limit);
  const id = spanIdOfBytes(wire, wire.pos, end);
  wire.pos = end;
  return id;
}

/** Reads a Span that ends at `limit`. */
export function readSpan(wire: Wire, limit: number): Span {
  const view = wire.view;
  let traceId = '';
  let spanId = '';
  let parentSpanId = '';
  let name = '';
  let kind = 0;
  let startLow = 0;
  let startHigh = 0;
  let endLow = 0;
  let endHigh = 0;
  const attributes: Attribute[] = [];
  const events: SpanEvent[] = [];
  let statusCode = 0;
  let statusMessage = '';
  while (wire.pos < limit) {
    const tag = readTag(wire, limit);
    switch (tag) {
      case (1 << 3) | 2:
        traceId = readTraceId(wire, limit);
        break;
      case (2 << 3) | 2:
        spanId = readSpanId(wire, limit);
        break;
      case (4 << 3) | 2:
        parentSpanId = readSpanId(wire, limit);
        break;
      case (5 << 3) | 2:
        name = readString(wire, limit);
        break;
      case 6 << 3:
        kind = readEnum(wire, limit, MAX_KIND);
        break;
      case (7 << 3) | 1: {
        const at = readFixed(wire, limit, 8);
        startLow = view.getUint32(at, true);
        startHigh = view.getUint32(at + 4, true);
        break;
      }
      case (8 << 3) | 1: {
        const at = readFixed(wire, limit, 8);
        endLow = view.getUint32(at, true);
        endHigh = view.getUint32(at + 4, true);
        break;
      }
      case (9 << 3) | 2:
        readAttribute(wire, readEnd(wire, limit), 1, attributes);
        break;
      case (11 << 3) | 2:
        readEvent(wire, readEnd(wire, limit), events);
        break;
      case (15 << 3) | 2: {
        const end = readEnd(wire, limit);
        while (wire.pos < end) {
          const statusTag = readTag(wire, end);
          if (statusTag === ((2 << 3) | 2)) statusMessage = readString(wire, end);
          else if (statusTag === 3 << 3) statusCode = readEnum(wire, end, MAX_STATUS);
          else skipField(wire, statusTag, end);
        }
        break;
      }
      default:
        skipField(wire, tag, limit);
    }
  }
  return {
    traceId,
    spanId,
    parentSpanId,
    name,
    kind,
    startUs: microsOf(startHigh, startLow),
    startNs: nanosOf(startHigh, startLow),
    endUs: microsOf(endHigh, endLow),
    endNs: nanosOf(endHigh, endLow),
    attributes,
    events,
    statusCode,
    statusMessage,
  };
}

function readEvent(wire: Wire, limit: number, events: SpanEvent[]): void {
  if (events.length >= LIMITS.eventsPerSpan || wire.values >= RECORD_VALUES) {
    countSkipped(wire);
    wire.pos = limit;
    return;
  }
  wire.values++;
  let low = 0;
  let high = 0;
  let name = '';
  const attributes: Attribute[] = [];
  while (wire.pos < limit) {
    const tag = readTag(wire, limit);
    switch (tag) {
      case (1 << 3) | 1: {
        const at = readFixed(wire, limit, 8);
        low = wire.view.getUint32(at, true);
        high = wire.view.getUint32(at + 4, true);
        break;
      }
      case (2 << 3) | 2:
        name = readString(wire, limit);
        break;
      case (3 << 3) | 2:
        readAttribute(wire, readEnd(wire, limit), 1, attributes);
        break;
      default:
        skipField(wire, tag, limit);
    }
  }
  events.push({ timeUs: microsOf(high, low), timeNs: nanosOf(high, low), name, attributes });
}

/** Reads a LogRecord that ends at `limit`. */
export function readLogRecord(wire: Wire, limit: number): LogRecord {
  const view = wire.view;
  let timeLow = 0;
  let timeHigh = 0;
  let observedLow = 0;
  let observedHigh = 0;
  let severity = 0;
  let severityText = '';
  let eventName = '';
  let body: Value = { type: VALUE_EMPTY, value: null };
  const attributes: Attribute[] = [];
  let traceId = '';
  let spanId = '';
  while (wire.pos < limit) {
    const tag = readTag(wire, limit);
    switch (tag) {
      case (1 << 3) | 1: {
        const at = readFixed(wire, limit, 8);
        timeLow = view.getUint32(at, true);
        timeHigh = view.getUint32(at + 4, true);
        break;
      }
      case 2 << 3:
        severity = readEnum(wire, limit, MAX_SEVERITY);
        break;
      case (3 << 3) | 2:
        severityText = readString(wire, limit);
        break;
      case (5 << 3) | 2:
        body = readValueObject(wire, readEnd(wire, limit), 1);
        break;
      case (6 << 3) | 2:
        readAttribute(wire, readEnd(wire, limit), 1, attributes);
        break;
      case (9 << 3) | 2:
        traceId = readTraceId(wire, limit);
        break;
      case (10 << 3) | 2:
        spanId = readSpanId(wire, limit);
        break;
      case (11 << 3) | 1: {
        const at = readFixed(wire, limit, 8);
        observedLow = view.getUint32(at, true);
        observedHigh = view.getUint32(at + 4, true);
        break;
      }
      case (12 << 3) | 2:
        eventName = readString(wire, limit);
        break;
      default:
        skipField(wire, tag, limit);
    }
  }
  return {
    timeUs: microsOf(timeHigh, timeLow),
    timeNs: nanosOf(timeHigh, timeLow),
    observedUs: microsOf(observedHigh, observedLow),
    observedNs: nanosOf(observedHigh, observedLow),
    severity,
    severityText,
    eventName,
    body,
    attributes,
    traceId,
    spanId,
  };
}
