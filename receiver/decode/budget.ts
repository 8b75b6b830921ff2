/**
 * How much the decoders do between two turns of the event loop, and how they say what is wrong. Every ceiling here exists because a body is
 * at most 64 MiB while what it decodes to can be dozens of times larger.
 */

import { LIMITS } from '../limits.ts';
import { type Chunk, DecodeError, type LogRecord, type Resource, type Scope, type Span } from './shape.ts';

/** A chunk is handed out once its records took this much of the body, even when it holds few of them. */
const CHUNK_BYTES = 1024 * 1024;
/** A chunk is handed out once its records hold this many values (attributes, list elements and events). */
const CHUNK_VALUES = 65_536;
/** Fields skipped (protobuf) before an empty chunk lets the event loop turn. */
export const SKIP_FIELDS = 500_000;
/** Bytes scanned (JSON) before an empty chunk lets the event loop turn. */
export const SCAN_BYTES = 4 * 1024 * 1024;
/** Values of one record over all its lists, at all depths; those after it are dropped. */
export const RECORD_VALUES = 16_384;
/** Fields of one record that are skipped, unknown or beyond a limit; a record with more is refused, as reading on would stall the process. */
export const SKIPPED_FIELDS = 1_000_000;
/** Elements of one attribute list, array or key-value list; those after it are dropped. */
export const LIST_VALUES = LIMITS.attributesPerRecord;

/**
 * What is wrong at one byte of a record. Thrown and caught inside decode/ only; it is no Error, because a body can hold millions of broken
 * records and a stack trace for each would cost more than decoding them.
 */
export class Fault {
  readonly what: string;
  readonly at: number;
  /** An attribute list sent as an object: a systematic mistake of the exporter that refuses the request, not the record. */
  readonly isMap: boolean;

  constructor(what: string, at: number, isMap = false) {
    this.what = what;
    this.at = at;
    this.isMap = isMap;
  }
}

/** The names of one signal's envelope, outermost first, as OTLP/JSON spells them. */
export interface Envelope {
  readonly groups: 'resourceSpans' | 'resourceLogs';
  readonly scopes: 'scopeSpans' | 'scopeLogs';
  readonly records: 'spans' | 'logRecords';
}

export const TRACE_ENVELOPE: Envelope = { groups: 'resourceSpans', scopes: 'scopeSpans', records: 'spans' };
export const LOG_ENVELOPE: Envelope = { groups: 'resourceLogs', scopes: 'scopeLogs', records: 'logRecords' };

/** Where in the envelope a walk stands; -1: not inside one. */
export interface Place {
  group: number;
  scope: number;
  record: number;
}

export const newPlace = (): Place => ({ group: -1, scope: -1, record: -1 });

function pathOf(envelope: Envelope, place: Place): string {
  if (place.group < 0) return 'request';
  const group = `${envelope.groups}[${place.group}]`;
  if (place.scope < 0) return group;
  const scope = `${group}.${envelope.scopes}[${place.scope}]`;
  return place.record < 0 ? scope : `${scope}.${envelope.records}[${place.record}]`;
}

/** The text of a fault for the sender: path, what to fix, byte offset. */
export const faultText = (envelope: Envelope, place: Place, fault: Fault): string =>
  `${pathOf(envelope, place)}: ${fault.what} (at byte ${fault.at})`;

/** Rethrows a fault of the envelope as the error that refuses the request; anything else passes unchanged. */
export function refuseRequest(envelope: Envelope, place: Place, error: unknown): never {
  throw error instanceof Fault ? new DecodeError(faultText(envelope, place, error)) : error;
}

export const newResource = (): Resource => ({ attributes: [] });
export const newScope = (): Scope => ({ name: '', version: '', attributes: [] });

export const newChunk = <R extends Span | LogRecord>(resource: Resource, scope: Scope): Chunk<R> => ({
  resource,
  scope,
  records: [],
  malformed: [],
});

/** A chunk without records: a turn for the event loop in a long walk. */
export const turnChunk = <R extends Span | LogRecord>(): Chunk<R> => newChunk(newResource(), newScope());

export const isFull = (chunk: Chunk<Span | LogRecord>, values: number, bytes: number): boolean =>
  chunk.records.length + chunk.malformed.length >= LIMITS.chunkRecords ||
  values >= CHUNK_VALUES ||
  bytes >= CHUNK_BYTES;

export const isEmpty = (chunk: Chunk<Span | LogRecord>): boolean =>
  chunk.records.length === 0 && chunk.malformed.length === 0;
