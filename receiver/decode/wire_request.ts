/**
 * The envelope of a protobuf request: ResourceSpans, ScopeSpans and their records as byte ranges. One walk checks that every range lies
 * within the one around it, before anything is handed out; a second one decodes. Nothing is indexed in between: a body of 64 MiB can hold
 * 32 million empty messages.
 */

import {
  type Envelope,
  Fault,
  faultText,
  isEmpty,
  isFull,
  newChunk,
  newPlace,
  newResource,
  newScope,
  type Place,
  refuseRequest,
  SKIP_FIELDS,
  turnChunk,
} from './budget.ts';
import type { Chunk, LogRecord, Resource, Scope, Span } from './shape.ts';
import { newWire, readEnd, readTag, skipField, startRecord, WIRE_BYTES, type Wire } from './wire.ts';
import { readResource, readScope } from './wire_records.ts';

/** Both levels of the envelope number their fields alike: 1 the resource or scope, 2 the messages inside. */
const HEAD = 1;
const INNER = 2;
/** Decoding a resource or scope counts as this many fields per byte against the fields between two turns. */
const FIELDS_PER_HEAD_BYTE = 0.25;

interface Walk {
  readonly wire: Wire;
  readonly envelope: Envelope;
  readonly place: Place;
  /** Fields until the next turn of the event loop. */
  left: number;
  /** Some resource or scope follows its records, or comes in pieces, so that all of its message must be searched for it. */
  isReordered: boolean;
}

type ReadRecord<R> = (wire: Wire, limit: number) => R;

/** Decodes a request in chunks; the first step throws DecodeError unless the whole envelope is sound. */
export function* wireChunks<R extends Span | LogRecord>(
  body: Uint8Array,
  envelope: Envelope,
  readRecord: ReadRecord<R>,
): Generator<Chunk<R>, void, undefined> {
  const walk: Walk = { wire: newWire(body), envelope, place: newPlace(), left: SKIP_FIELDS, isReordered: false };
  try {
    for (const _ of checkRequest(walk)) yield turnChunk<R>();
    yield* decodeRequest(walk, readRecord);
  } catch (error) {
    refuseRequest(envelope, walk.place, error);
  }
}

/** Reads a tag of the envelope: the number of a known field with its content next, or 0 after skipping an unknown one. */
function enterField(walk: Walk, limit: number, known: number): number {
  const { wire } = walk;
  walk.left--;
  const at = wire.pos;
  const tag = readTag(wire, limit);
  const number = tag >>> 3;
  if (number > known) {
    // The fields of the envelope have turns of their own.
    startRecord(wire);
    skipField(wire, tag, limit);
    return 0;
  }
  if ((tag & 7) !== WIRE_BYTES) throw new Fault(`field ${number} is not length-delimited`, at);
  return number;
}

function isTurn(walk: Walk): boolean {
  if (walk.left > 0) return false;
  walk.left = SKIP_FIELDS;
  return true;
}

function* checkRequest(walk: Walk): Generator<void, void, undefined> {
  const { wire, place } = walk;
  while (wire.pos < wire.length) {
    if (isTurn(walk)) yield;
    if (enterField(walk, wire.length, HEAD) === 0) continue;
    place.group++;
    const end = readEnd(wire, wire.length);
    yield* checkGroup(walk, end);
    place.scope = -1;
  }
  place.group = -1;
}

function* checkGroup(walk: Walk, end: number): Generator<void, void, undefined> {
  const { wire, place } = walk;
  const start = wire.pos;
  while (wire.pos < end) {
    if (isTurn(walk)) yield;
    const isFirst = wire.pos === start;
    const number = enterField(walk, end, INNER);
    if (number === 0) continue;
    const inner = readEnd(wire, end);
    if (number === HEAD) {
      if (!isFirst) walk.isReordered = true;
      checkHead(walk, inner, false);
      continue;
    }
    place.scope++;
    const first = wire.pos;
    while (wire.pos < inner) {
      checkScopeFields(walk, first, inner);
      if (isTurn(walk)) yield;
    }
  }
}

/** Skips the fields of a ScopeSpans until its end or until the next turn is due. */
function checkScopeFields(walk: Walk, start: number, end: number): void {
  const { wire } = walk;
  while (wire.pos < end && walk.left > 0) {
    const isFirst = wire.pos === start;
    const number = enterField(walk, end, INNER);
    if (number === 0) continue;
    const inner = readEnd(wire, end);
    if (number === HEAD) {
      if (!isFirst) walk.isReordered = true;
      checkHead(walk, inner, true);
    } else wire.pos = inner;
  }
}

/** A resource or scope must decode, or the records under it could not be placed; what it holds is read again later. */
function checkHead(walk: Walk, end: number, isScope: boolean): void {
  const { wire } = walk;
  walk.left -= (end - wire.pos) * FIELDS_PER_HEAD_BYTE;
  startRecord(wire);
  if (isScope) readScope(wire, end, newScope());
  else readResource(wire, end, newResource());
}

function* decodeRequest<R extends Span | LogRecord>(
  walk: Walk,
  readRecord: ReadRecord<R>,
): Generator<Chunk<R>, void, undefined> {
  const { wire, place } = walk;
  wire.pos = 0;
  walk.left = SKIP_FIELDS;
  while (wire.pos < wire.length) {
    if (isTurn(walk)) yield turnChunk<R>();
    if (enterField(walk, wire.length, HEAD) === 0) continue;
    place.group++;
    place.scope = -1;
    const end = readEnd(wire, wire.length);
    const resource = yield* findResource<R>(walk, end);
    while (wire.pos < end) {
      if (isTurn(walk)) yield turnChunk<R>();
      const number = enterField(walk, end, INNER);
      if (number === 0) continue;
      const inner = readEnd(wire, end);
      if (number === HEAD) wire.pos = inner;
      else yield* decodeScope(walk, inner, resource, readRecord);
    }
  }
}

function* decodeScope<R extends Span | LogRecord>(
  walk: Walk,
  end: number,
  resource: Resource,
  readRecord: ReadRecord<R>,
): Generator<Chunk<R>, void, undefined> {
  const { wire, place } = walk;
  place.scope++;
  place.record = -1;
  const scope = yield* findScope<R>(walk, end);
  while (wire.pos < end) {
    const chunk = newChunk<R>(resource, scope);
    fillChunk(walk, end, chunk, readRecord);
    if (isTurn(walk) || !isEmpty(chunk)) yield chunk;
  }
  place.record = -1;
}

/** Decodes records until the chunk is full or the scope ends. A record broken inside its own bytes is noted and the next one read. */
function fillChunk<R extends Span | LogRecord>(
  walk: Walk,
  end: number,
  chunk: Chunk<R>,
  readRecord: ReadRecord<R>,
): void {
  const { wire, place } = walk;
  const start = wire.pos;
  let values = 0;
  while (wire.pos < end && walk.left > 0 && !isFull(chunk, values, wire.pos - start)) {
    const number = enterField(walk, end, INNER);
    if (number === 0) continue;
    const inner = readEnd(wire, end);
    if (number === INNER) {
      place.record++;
      startRecord(wire);
      decodeRecord(walk, inner, chunk, readRecord);
      values += wire.values;
    }
    wire.pos = inner;
  }
}

function decodeRecord<R extends Span | LogRecord>(
  walk: Walk,
  end: number,
  chunk: Chunk<R>,
  readRecord: ReadRecord<R>,
): void {
  try {
    chunk.records.push(readRecord(walk.wire, end));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    chunk.malformed.push({ message: faultText(walk.envelope, walk.place, error) });
  }
}

/** The resource of the group that starts here. The position is kept. */
function* findResource<R extends Span | LogRecord>(walk: Walk, end: number): Generator<Chunk<R>, Resource, undefined> {
  const resource = newResource();
  yield* findHead<R>(walk, end, (inner) => readResource(walk.wire, inner, resource));
  return resource;
}

/** The scope of the group that starts here. The position is kept. */
function* findScope<R extends Span | LogRecord>(walk: Walk, end: number): Generator<Chunk<R>, Scope, undefined> {
  const scope = newScope();
  yield* findHead<R>(walk, end, (inner) => readScope(walk.wire, inner, scope));
  return scope;
}

/** Reads every piece of the head of a message; it stands first and in one piece unless the check said otherwise. */
function* findHead<R extends Span | LogRecord>(
  walk: Walk,
  end: number,
  readHead: (inner: number) => void,
): Generator<Chunk<R>, void, undefined> {
  const { wire } = walk;
  const start = wire.pos;
  while (wire.pos < end) {
    if (isTurn(walk)) yield turnChunk<R>();
    const number = enterField(walk, end, INNER);
    if (number !== 0) {
      const inner = readEnd(wire, end);
      if (number === HEAD) {
        startRecord(wire);
        readHead(inner);
      }
      wire.pos = inner;
    }
    if (!walk.isReordered) break;
  }
  wire.pos = start;
}
