/**
 * The protobuf wire format over the body's bytes: varints, lengths, fixed fields. Every read is bounded by the end of the message it
 * belongs to and throws a Fault beyond it. Written by hand because a general reader checks and boxes more than these messages need.
 */

import { Fault, SKIPPED_FIELDS } from './budget.ts';
import { type Source, sourceOf } from './text.ts';

/** A body being read. `type` and `value` are the AnyValue read last; `values` counts what the current record holds so far. */
export interface Wire extends Source {
  pos: number;
  values: number;
  /** Fields of the current record that were skipped so far. */
  skipped: number;
  type: number;
  value: unknown;
}

export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_BYTES = 2;
export const WIRE_FIXED32 = 5;

const MAX_VARINT_BYTES = 10;
const TWO_32 = 4_294_967_296;

export const newWire = (body: Uint8Array): Wire => {
  const { buf, view, length } = sourceOf(body);
  return { buf, view, length, pos: 0, values: 0, skipped: 0, type: 0, value: null };
};

const truncated = (at: number): Fault => new Fault('the message ends inside a field', at);

/** An unsigned varint as a double: exact below 2^53, larger ones are only good for comparing with a bound. */
function readVarint(wire: Wire, limit: number): number {
  const buf = wire.buf;
  const start = wire.pos;
  let pos = start;
  let scale = 1;
  let value = 0;
  while (pos < limit) {
    const byte = buf[pos++] as number;
    if (byte < 0x80) {
      wire.pos = pos;
      return value + byte * scale;
    }
    value += (byte - 0x80) * scale;
    scale *= 128;
    if (pos - start >= MAX_VARINT_BYTES) throw new Fault('a varint is longer than 10 bytes', start);
  }
  throw truncated(start);
}

/** A field's tag: number and wire type. Groups and field number 0 are refused. */
export function readTag(wire: Wire, limit: number): number {
  const at = wire.pos;
  const first = at < limit ? (wire.buf[at] as number) : 0x80;
  let tag = first;
  if (first < 0x80) wire.pos = at + 1;
  else tag = readVarint(wire, limit);
  if (tag < 8 || tag >= TWO_32) throw new Fault('a field number is out of range', at);
  return tag;
}

/** The end of a length-delimited field whose content starts at the new position. */
export function readEnd(wire: Wire, limit: number): number {
  const at = wire.pos;
  const first = at < limit ? (wire.buf[at] as number) : 0x80;
  let length = first;
  if (first < 0x80) wire.pos = at + 1;
  else length = readVarint(wire, limit);
  if (length > limit - wire.pos) throw new Fault('a length runs past the end of its message', at);
  return wire.pos + length;
}

export function readBool(wire: Wire, limit: number): boolean {
  return readVarint(wire, limit) !== 0;
}

/** An enum number; `unknown` (0) when it is outside 0..max, as are negative ones. */
export function readEnum(wire: Wire, limit: number, max: number): number {
  const value = readVarint(wire, limit);
  return value <= max ? value : 0;
}

/** A signed 64-bit integer: a number while that is exact, else a bigint. */
export function readInt64(wire: Wire, limit: number): number | bigint {
  const start = wire.pos;
  const value = readVarint(wire, limit);
  return value <= Number.MAX_SAFE_INTEGER ? value : readWideInt(wire, start);
}

function readWideInt(wire: Wire, start: number): number | bigint {
  let bits = 0n;
  for (let i = wire.pos - 1; i >= start; i--) bits = (bits << 7n) | BigInt((wire.buf[i] as number) & 0x7f);
  const value = BigInt.asIntN(64, bits);
  const near = Number(value);
  return Number.isSafeInteger(near) ? near : value;
}

/** The position of a fixed field of `size` bytes, having moved past it. */
export function readFixed(wire: Wire, limit: number, size: number): number {
  const at = wire.pos;
  if (size > limit - at) throw truncated(at);
  wire.pos = at + size;
  return at;
}

export function readDouble(wire: Wire, limit: number): number {
  return wire.view.getFloat64(readFixed(wire, limit, 8), true);
}

/** Starts the counts of a record, resource or scope. */
export function startRecord(wire: Wire): void {
  wire.values = 0;
  wire.skipped = 0;
}

/** Notes that a field is not kept. */
export function countSkipped(wire: Wire): void {
  if (++wire.skipped > SKIPPED_FIELDS)
    throw new Fault(`more than ${SKIPPED_FIELDS} fields that are unknown or not kept`, wire.pos);
}

/** Moves past the content of a field that nothing here reads. */
export function skipField(wire: Wire, tag: number, limit: number): void {
  countSkipped(wire);
  switch (tag & 7) {
    case WIRE_BYTES:
      wire.pos = readEnd(wire, limit);
      return;
    case WIRE_VARINT:
      readVarint(wire, limit);
      return;
    case WIRE_FIXED64:
      readFixed(wire, limit, 8);
      return;
    case WIRE_FIXED32:
      readFixed(wire, limit, 4);
      return;
    default:
      throw new Fault('a group or an unknown wire type; OTLP has neither', wire.pos);
  }
}
