/**
 * The envelope of an OTLP/JSON request. One walk checks the grammar of the whole body and the types of the envelope, before anything is
 * handed out; a second one decodes. The two are the same walk with another visitor, so they cannot disagree about what belongs where.
 */

import {
  type Envelope,
  Fault,
  faultText,
  isEmpty,
  isFull,
  LOG_ENVELOPE,
  newChunk,
  newPlace,
  newResource,
  newScope,
  type Place,
  refuseRequest,
  SCAN_BYTES,
  TRACE_ENVELOPE,
  turnChunk,
} from './budget.ts';
import { endBody, startBody } from './json_body.ts';
import {
  enterList,
  enterObject,
  type Names,
  NO_MEMBER,
  namesOf,
  nextElement,
  nextMember,
  skipNull,
} from './json_read.ts';
import { readResource, readScope } from './json_records.ts';
import { type Json, newJson, skipValue } from './json_scan.ts';
import type { Chunk, LogRecord, Resource, Scope, Span } from './shape.ts';

/** Members of each level: the head (resource or scope) and the list inside. */
const HEAD = 1;
const INNER = 2;
const GROUPS = 1;

interface Walk<R> {
  readonly json: Json;
  readonly envelope: Envelope;
  readonly readRecord: (json: Json) => R;
  readonly request: Names;
  readonly group: Names;
  readonly scope: Names;
  readonly place: Place;
  /** The first of the two walks. */
  isCheck: boolean;
  /** Some resource or scope comes after its records, or twice, so that it must be looked for before them. */
  isReordered: boolean;
  /** Where the event loop turned last. */
  turnedAt: number;
}

type Steps<R extends Span | LogRecord> = Generator<Chunk<R>, void, undefined>;

/** What holds another signal's data, or a piece of a request, at the top of a body: its sender means another path or shape. */
const FOREIGN = [
  'resourceSpans',
  'resourceLogs',
  'resourceMetrics',
  'scopeSpans',
  'scopeLogs',
  'scopeMetrics',
  'spans',
  'logRecords',
];

const tablesOf = (envelope: Envelope) => ({
  request: namesOf(envelope.groups, ...FOREIGN.filter((name) => name !== envelope.groups)),
  group: namesOf('resource', envelope.scopes),
  scope: namesOf('scope', envelope.records),
});
const TRACE_TABLES = tablesOf(TRACE_ENVELOPE);
const LOG_TABLES = tablesOf(LOG_ENVELOPE);

/** Decodes a request in chunks; the first step with records comes after the whole body was checked. */
export function* jsonChunks<R extends Span | LogRecord>(
  body: Uint8Array,
  envelope: Envelope,
  readRecord: (json: Json) => R,
): Steps<R> {
  const walk: Walk<R> = {
    json: newJson(body),
    envelope,
    readRecord,
    ...(envelope === TRACE_ENVELOPE ? TRACE_TABLES : LOG_TABLES),
    place: newPlace(),
    isCheck: true,
    isReordered: false,
    turnedAt: 0,
  };
  try {
    yield* walkRequest(walk);
    endBody(walk.json);
    walk.isCheck = false;
    walk.turnedAt = 0;
    yield* walkRequest(walk);
  } catch (error) {
    refuseRequest(envelope, walk.place, error);
  }
}

function isTurn<R>(walk: Walk<R>): boolean {
  if (walk.json.pos - walk.turnedAt < SCAN_BYTES) return false;
  walk.turnedAt = walk.json.pos;
  return true;
}

function* walkRequest<R extends Span | LogRecord>(walk: Walk<R>): Steps<R> {
  const { json, place, request } = walk;
  let foreign = 0;
  let isOwn = false;
  place.group = -1;
  startBody(json);
  for (let member = nextMember(json, request); member !== NO_MEMBER; member = nextMember(json, request)) {
    if (isTurn(walk)) yield turnChunk<R>();
    if (member === GROUPS) {
      isOwn = true;
      yield* walkGroups(walk);
    } else {
      if (member > GROUPS) foreign = member;
      skipValue(json);
    }
  }
  if (foreign !== 0 && !isOwn) throw foreignFault(walk, foreign);
}

function foreignFault<R>(walk: Walk<R>, member: number): Fault {
  const { envelope, json, request } = walk;
  const name = request.texts[request.ids.indexOf(member)] ?? '';
  const advice = name.startsWith('resource')
    ? 'send it to the path of its own signal'
    : `wrap it in {"${envelope.groups}": [...]}`;
  return new Fault(`the body holds ${name} but no ${envelope.groups}; ${advice}`, json.pos);
}

function* walkGroups<R extends Span | LogRecord>(walk: Walk<R>): Steps<R> {
  const { json, place, envelope } = walk;
  enterList(json, envelope.groups);
  while (nextElement(json)) {
    if (isTurn(walk)) yield turnChunk<R>();
    place.group++;
    place.scope = -1;
    if (!skipNull(json)) yield* walkGroup(walk);
  }
  place.scope = -1;
}

function* walkGroup<R extends Span | LogRecord>(walk: Walk<R>): Steps<R> {
  const { json, envelope, group } = walk;
  enterObject(json, envelope.groups);
  let resource = walk.isReordered && !walk.isCheck ? findHead(json, group, readResource) : undefined;
  const isFound = resource !== undefined;
  let hasInner = false;
  for (let member = nextMember(json, group); member !== NO_MEMBER; member = nextMember(json, group)) {
    if (member === HEAD && !isFound) {
      if (hasInner || resource !== undefined) walk.isReordered = true;
      json.values = 0;
      resource = readResource(json);
    } else if (member === INNER) {
      hasInner = true;
      resource ??= newResource();
      yield* walkScopes(walk, resource);
    } else {
      skipValue(json);
    }
  }
}

function* walkScopes<R extends Span | LogRecord>(walk: Walk<R>, resource: Resource): Steps<R> {
  const { json, place, envelope } = walk;
  enterList(json, envelope.scopes);
  while (nextElement(json)) {
    if (isTurn(walk)) yield turnChunk<R>();
    place.scope++;
    place.record = -1;
    if (!skipNull(json)) yield* walkScope(walk, resource);
  }
  place.record = -1;
}

function* walkScope<R extends Span | LogRecord>(walk: Walk<R>, resource: Resource): Steps<R> {
  const { json, envelope, scope: names } = walk;
  enterObject(json, envelope.scopes);
  let scope = walk.isReordered && !walk.isCheck ? findHead(json, names, readScope) : undefined;
  const isFound = scope !== undefined;
  let hasInner = false;
  for (let member = nextMember(json, names); member !== NO_MEMBER; member = nextMember(json, names)) {
    if (member === HEAD && !isFound) {
      if (hasInner || scope !== undefined) walk.isReordered = true;
      json.values = 0;
      scope = readScope(json);
    } else if (member === INNER) {
      hasInner = true;
      scope ??= newScope();
      yield* walkRecords(walk, resource, scope);
    } else {
      skipValue(json);
    }
  }
}

/** The last resource or scope of the object that was entered; the position is kept. */
function findHead<H>(json: Json, names: Names, readHead: (json: Json) => H): H | undefined {
  const start = json.pos;
  let head: H | undefined;
  for (let member = nextMember(json, names); member !== NO_MEMBER; member = nextMember(json, names)) {
    json.values = 0;
    if (member === HEAD) head = readHead(json);
    else skipValue(json);
  }
  json.pos = start;
  return head;
}

function* walkRecords<R extends Span | LogRecord>(walk: Walk<R>, resource: Resource, scope: Scope): Steps<R> {
  const { json, envelope } = walk;
  enterList(json, envelope.records);
  if (walk.isCheck) {
    while (!checkRecords(walk)) yield turnChunk<R>();
    return;
  }
  for (let isDone = false; !isDone; ) {
    const chunk = newChunk<R>(resource, scope);
    isDone = fillChunk(walk, chunk);
    if (!isEmpty(chunk) || isTurn(walk)) yield chunk;
  }
}

/** Moves past records; true at the end of their list, false when the next turn is due. */
function checkRecords<R extends Span | LogRecord>(walk: Walk<R>): boolean {
  const { json, place } = walk;
  while (nextElement(json)) {
    place.record++;
    const start = json.pos;
    json.sawAttributeMap = false;
    skipValue(json);
    if (json.sawAttributeMap) checkAttributeMap(walk, start);
    if (isTurn(walk)) return false;
  }
  return true;
}

/** Refuses the request if the record at `start` has an object where a list of attributes must be; such a member may also be unknown. */
function checkAttributeMap<R extends Span | LogRecord>(walk: Walk<R>, start: number): void {
  const { json } = walk;
  const end = json.pos;
  json.pos = start;
  json.values = 0;
  try {
    walk.readRecord(json);
  } catch (error) {
    if (!(error instanceof Fault) || error.isMap) throw error;
  }
  json.pos = end;
}

/** Decodes records until the chunk is full (false) or their list ends (true). A broken one is noted and the next one read. */
function fillChunk<R extends Span | LogRecord>(walk: Walk<R>, chunk: Chunk<R>): boolean {
  const { json, place } = walk;
  const begin = json.pos;
  let values = 0;
  while (!isFull(chunk, values, json.pos - begin)) {
    if (!nextElement(json)) return true;
    place.record++;
    json.values = 0;
    if (!skipNull(json)) decodeRecord(walk, chunk);
    values += json.values;
  }
  return false;
}

function decodeRecord<R extends Span | LogRecord>(walk: Walk<R>, chunk: Chunk<R>): void {
  const { json } = walk;
  const start = json.pos;
  try {
    chunk.records.push(walk.readRecord(json));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    chunk.malformed.push({ message: faultText(walk.envelope, walk.place, error) });
    json.pos = start;
    skipValue(json);
  }
}
