/**
 * Attributes and values from protobuf. A field whose wire type is not the one of the protocol is an unknown field, as protobuf rules;
 * of a oneof that is sent twice the last member counts.
 */

import { LIMITS } from '../limits.ts';
import { Fault, LIST_VALUES, RECORD_VALUES } from './budget.ts';
import {
  type Attribute,
  VALUE_ARRAY,
  VALUE_BOOL,
  VALUE_BYTES,
  VALUE_DOUBLE,
  VALUE_EMPTY,
  VALUE_INT,
  VALUE_KVLIST,
  VALUE_STRING,
  type Value,
} from './shape.ts';
import { readText } from './text.ts';
import { countSkipped, readBool, readDouble, readEnd, readInt64, readTag, skipField, type Wire } from './wire.ts';

/** `field number << 3 | wire type`. */
const KEY = (1 << 3) | 2;
const KEY_VALUE = (2 << 3) | 2;
const LIST_ELEMENT = (1 << 3) | 2;
const STRING = (1 << 3) | 2;
const BOOL = (2 << 3) | 0;
const INT = (3 << 3) | 0;
const DOUBLE = (4 << 3) | 1;
const ARRAY = (5 << 3) | 2;
const KVLIST = (6 << 3) | 2;
const BYTES = (7 << 3) | 2;

/** Reads one string field: its length, then its text. */
export function readString(wire: Wire, limit: number): string {
  const end = readEnd(wire, limit);
  const text = readText(wire, wire.pos, end);
  wire.pos = end;
  return text;
}

/** Reads an AnyValue that ends at `limit` into wire.type and wire.value. `depth` is 1 for an attribute's own value. */
export function readValue(wire: Wire, limit: number, depth: number): void {
  let type: number = VALUE_EMPTY;
  let value: unknown = null;
  while (wire.pos < limit) {
    const tag = readTag(wire, limit);
    switch (tag) {
      case STRING:
        value = readString(wire, limit);
        type = VALUE_STRING;
        break;
      case INT:
        value = readInt64(wire, limit);
        type = VALUE_INT;
        break;
      case BOOL:
        value = readBool(wire, limit);
        type = VALUE_BOOL;
        break;
      case DOUBLE:
        value = readDouble(wire, limit);
        type = VALUE_DOUBLE;
        break;
      case ARRAY:
        value = readArray(wire, readEnd(wire, limit), depth);
        type = VALUE_ARRAY;
        break;
      case KVLIST:
        value = readKeyValueList(wire, readEnd(wire, limit), depth);
        type = VALUE_KVLIST;
        break;
      case BYTES:
        value = readBytes(wire, limit);
        type = VALUE_BYTES;
        break;
      default:
        skipField(wire, tag, limit);
    }
  }
  wire.type = type;
  wire.value = value;
}

/** A copy: a view would keep the whole body alive for as long as the value. */
function readBytes(wire: Wire, limit: number): Uint8Array {
  const end = readEnd(wire, limit);
  const bytes = new Uint8Array(wire.buf.subarray(wire.pos, end));
  wire.pos = end;
  return bytes;
}

function checkDepth(wire: Wire, depth: number): void {
  if (depth >= LIMITS.valueDepth)
    throw new Fault(`a value is nested deeper than ${LIMITS.valueDepth} levels`, wire.pos);
}

function readArray(wire: Wire, limit: number, depth: number): Value[] {
  checkDepth(wire, depth);
  const list: Value[] = [];
  while (wire.pos < limit) {
    const tag = readTag(wire, limit);
    if (tag !== LIST_ELEMENT) {
      skipField(wire, tag, limit);
      continue;
    }
    const end = readEnd(wire, limit);
    if (list.length < LIST_VALUES && wire.values < RECORD_VALUES) {
      list.push(readValueObject(wire, end, depth + 1));
    } else {
      countSkipped(wire);
      wire.pos = end;
    }
  }
  return list;
}

/** An AnyValue that ends at `limit`, as an object of its own. */
export function readValueObject(wire: Wire, limit: number, depth: number): Value {
  wire.values++;
  readValue(wire, limit, depth);
  // readValue sets type and value together, which the compiler cannot follow through two fields.
  return { type: wire.type, value: wire.value } as Value;
}

function readKeyValueList(wire: Wire, limit: number, depth: number): Attribute[] {
  checkDepth(wire, depth);
  const list: Attribute[] = [];
  while (wire.pos < limit) {
    const tag = readTag(wire, limit);
    if (tag === LIST_ELEMENT) readAttribute(wire, readEnd(wire, limit), depth + 1, list);
    else skipField(wire, tag, limit);
  }
  return list;
}

/** Reads a KeyValue that ends at `limit` and appends it, unless the list or the record is full. */
export function readAttribute(wire: Wire, limit: number, depth: number, list: Attribute[]): void {
  if (list.length >= LIST_VALUES || wire.values >= RECORD_VALUES) {
    countSkipped(wire);
    wire.pos = limit;
    return;
  }
  wire.values++;
  let key = '';
  let type: number = VALUE_EMPTY;
  let value: unknown = null;
  while (wire.pos < limit) {
    const tag = readTag(wire, limit);
    if (tag === KEY) {
      key = readString(wire, limit);
    } else if (tag === KEY_VALUE) {
      readValue(wire, readEnd(wire, limit), depth);
      type = wire.type;
      value = wire.value;
    } else {
      skipField(wire, tag, limit);
    }
  }
  list.push({ key, type, value } as Attribute);
}
