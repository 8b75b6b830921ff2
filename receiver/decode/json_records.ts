/** Resources, scopes, spans and log records from OTLP/JSON, straight into the shape of shape.ts. Members may come in any order. */

import { LIMITS } from '../limits.ts';
import { RECORD_VALUES } from './budget.ts';
import { readNanos } from './json_numbers.ts';
import {
  enterList,
  enterObject,
  NO_MEMBER,
  namesOf,
  nextElement,
  nextMember,
  readEnum,
  readId,
  readString,
  skipNull,
} from './json_read.ts';
import { type Json, skipValue } from './json_scan.ts';
import { readAttributes, readValueObject } from './json_values.ts';
import { type LogRecord, type Resource, type Scope, type Span, type SpanEvent, VALUE_EMPTY } from './shape.ts';

const TRACE_DIGITS = 32;
const SPAN_DIGITS = 16;

/** Enum names without their prefix, at the index of their number. */
const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
const STATUSES = ['UNSET', 'OK', 'ERROR'];
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const SEVERITIES = ['UNSPECIFIED', ...LEVELS.flatMap((level) => ['', '2', '3', '4'].map((step) => level + step))];

const RESOURCE = namesOf('attributes');
const SCOPE = namesOf('name', 'version', 'attributes');
const STATUS = namesOf('message', 'code');
const EVENT = namesOf('timeUnixNano', 'name', 'attributes');
const SPAN = namesOf(
  'traceId',
  'spanId',
  'parentSpanId',
  'name',
  'kind',
  'startTimeUnixNano',
  'endTimeUnixNano',
  'attributes',
  'events',
  'status',
);
const LOG = namesOf(
  'timeUnixNano',
  'observedTimeUnixNano',
  'severityNumber',
  'severityText',
  'eventName',
  'body',
  'attributes',
  'traceId',
  'spanId',
);

export function readResource(json: Json): Resource {
  const resource: Resource = { attributes: [] };
  enterObject(json, 'resource');
  for (let member = nextMember(json, RESOURCE); member !== NO_MEMBER; member = nextMember(json, RESOURCE)) {
    if (member === 1) readAttributes(json, 'resource.attributes', 1, resource.attributes);
    else skipValue(json);
  }
  return resource;
}

export function readScope(json: Json): Scope {
  const scope: Scope = { name: '', version: '', attributes: [] };
  enterObject(json, 'scope');
  for (let member = nextMember(json, SCOPE); member !== NO_MEMBER; member = nextMember(json, SCOPE)) {
    if (member === 1) scope.name = readString(json, 'scope.name');
    else if (member === 2) scope.version = readString(json, 'scope.version');
    else if (member === 3) readAttributes(json, 'scope.attributes', 1, scope.attributes);
    else skipValue(json);
  }
  return scope;
}

/** Reads one span object. */
export function readSpan(json: Json): Span {
  const span: Span = {
    traceId: '',
    spanId: '',
    parentSpanId: '',
    name: '',
    kind: 0,
    startUs: 0,
    startNs: 0,
    endUs: 0,
    endNs: 0,
    attributes: [],
    events: [],
    statusCode: 0,
    statusMessage: '',
  };
  enterObject(json, 'a span');
  for (let member = nextMember(json, SPAN); member !== NO_MEMBER; member = nextMember(json, SPAN)) {
    readSpanMember(json, member, span);
  }
  return span;
}

function readSpanMember(json: Json, member: number, span: Span): void {
  switch (member) {
    case 1:
      span.traceId = readId(json, TRACE_DIGITS);
      break;
    case 2:
      span.spanId = readId(json, SPAN_DIGITS);
      break;
    case 3:
      span.parentSpanId = readId(json, SPAN_DIGITS);
      break;
    case 4:
      span.name = readString(json, 'name');
      break;
    case 5:
      span.kind = readEnum(json, 'kind', KINDS, 'SPAN_KIND_');
      break;
    case 6:
      readNanos(json, 'startTimeUnixNano');
      span.startUs = json.us;
      span.startNs = json.ns;
      break;
    case 7:
      readNanos(json, 'endTimeUnixNano');
      span.endUs = json.us;
      span.endNs = json.ns;
      break;
    case 8:
      readAttributes(json, 'attributes', 1, span.attributes);
      break;
    case 9:
      readEvents(json, span.events);
      break;
    case 10:
      readStatus(json, span);
      break;
    default:
      skipValue(json);
  }
}

function readStatus(json: Json, span: Span): void {
  enterObject(json, 'status');
  for (let member = nextMember(json, STATUS); member !== NO_MEMBER; member = nextMember(json, STATUS)) {
    if (member === 1) span.statusMessage = readString(json, 'status.message');
    else if (member === 2) span.statusCode = readEnum(json, 'status.code', STATUSES, 'STATUS_CODE_');
    else skipValue(json);
  }
}

function readEvents(json: Json, events: SpanEvent[]): void {
  enterList(json, 'events');
  while (nextElement(json)) {
    if (skipNull(json)) continue;
    if (events.length >= LIMITS.eventsPerSpan || json.values >= RECORD_VALUES) skipValue(json);
    else events.push(readEvent(json));
  }
}

function readEvent(json: Json): SpanEvent {
  json.values++;
  const event: SpanEvent = { timeUs: 0, timeNs: 0, name: '', attributes: [] };
  enterObject(json, 'an event');
  for (let member = nextMember(json, EVENT); member !== NO_MEMBER; member = nextMember(json, EVENT)) {
    if (member === 1) {
      readNanos(json, 'events.timeUnixNano');
      event.timeUs = json.us;
      event.timeNs = json.ns;
    } else if (member === 2) event.name = readString(json, 'events.name');
    else if (member === 3) readAttributes(json, 'events.attributes', 1, event.attributes);
    else skipValue(json);
  }
  return event;
}

/** Reads one log record object. */
export function readLogRecord(json: Json): LogRecord {
  const record: LogRecord = {
    timeUs: 0,
    timeNs: 0,
    observedUs: 0,
    observedNs: 0,
    severity: 0,
    severityText: '',
    eventName: '',
    body: { type: VALUE_EMPTY, value: null },
    attributes: [],
    traceId: '',
    spanId: '',
  };
  enterObject(json, 'a log record');
  for (let member = nextMember(json, LOG); member !== NO_MEMBER; member = nextMember(json, LOG)) {
    readLogMember(json, member, record);
  }
  return record;
}

function readLogMember(json: Json, member: number, record: LogRecord): void {
  switch (member) {
    case 1:
      readNanos(json, 'timeUnixNano');
      record.timeUs = json.us;
      record.timeNs = json.ns;
      break;
    case 2:
      readNanos(json, 'observedTimeUnixNano');
      record.observedUs = json.us;
      record.observedNs = json.ns;
      break;
    case 3:
      record.severity = readEnum(json, 'severityNumber', SEVERITIES, 'SEVERITY_NUMBER_');
      break;
    case 4:
      record.severityText = readString(json, 'severityText');
      break;
    case 5:
      record.eventName = readString(json, 'eventName');
      break;
    case 6:
      record.body = readValueObject(json, 1);
      break;
    case 7:
      readAttributes(json, 'attributes', 1, record.attributes);
      break;
    case 8:
      record.traceId = readId(json, TRACE_DIGITS);
      break;
    case 9:
      record.spanId = readId(json, SPAN_DIGITS);
      break;
    default:
      skipValue(json);
  }
}
