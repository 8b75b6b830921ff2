/** Attributes and values from OTLP/JSON. Of a member sent twice the last counts, lists sent in pieces are joined, null is absent. */

import { LIMITS } from '../limits.ts';
import { Fault, LIST_VALUES, RECORD_VALUES } from './budget.ts';
import { readDouble, readInt64 } from './json_numbers.ts';
import {
  enterList,
  enterObject,
  NO_MEMBER,
  namesOf,
  nextElement,
  nextMember,
  readBool,
  readString,
  skipNull,
} from './json_read.ts';
import { type Json, skipValue } from './json_scan.ts';
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

const ATTRIBUTE = namesOf('key', 'value');
const KEY = 1;
const KEY_VALUE = 2;
/** In the order of the VALUE_ numbers. */
const VALUE = namesOf('stringValue', 'boolValue', 'intValue', 'doubleValue', 'arrayValue', 'kvlistValue', 'bytesValue');
const LIST = namesOf('values');
const VALUES = 1;

/** Searches for a byte outside the alphabets: it cannot backtrack, however long the text is. */
const NOT_BASE64 = /[^A-Za-z0-9+/_-]/;

/** Reads an AnyValue object into json.type and json.value. `depth` is 1 for an attribute's own value. */
export function readValue(json: Json, depth: number): void {
  enterObject(json, 'a value');
  let type: number = VALUE_EMPTY;
  let value: unknown = null;
  for (let member = nextMember(json, VALUE); member !== NO_MEMBER; member = nextMember(json, VALUE)) {
    switch (member) {
      case VALUE_STRING:
        value = readString(json, 'stringValue');
        break;
      case VALUE_BOOL:
        value = readBool(json, 'boolValue');
        break;
      case VALUE_INT:
        value = readInt64(json, 'intValue');
        break;
      case VALUE_DOUBLE:
        value = readDouble(json, 'doubleValue');
        break;
      case VALUE_ARRAY:
        value = readArray(json, depth);
        break;
      case VALUE_KVLIST:
        value = readKeyValueList(json, depth);
        break;
      case VALUE_BYTES:
        value = readBytes(json);
        break;
      default:
        skipValue(json);
        continue;
    }
    type = member;
  }
  json.type = type;
  json.value = value;
}

function readBytes(json: Json): Uint8Array {
  const at = json.pos;
  const text = readString(json, 'bytesValue');
  if (!isBase64(text)) throw new Fault('bytesValue must be base64', at);
  return new Uint8Array(Buffer.from(text, 'base64'));
}

/** Standard or URL-safe alphabet, padded or not, as proto3 JSON allows. */
function isBase64(text: string): boolean {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  if (padding > 0 && text.length % 4 !== 0) return false;
  const digits = text.length - padding;
  return digits % 4 !== 1 && !NOT_BASE64.test(padding > 0 ? text.slice(0, digits) : text);
}

function checkDepth(json: Json, depth: number): void {
  if (depth >= LIMITS.valueDepth)
    throw new Fault(`a value is nested deeper than ${LIMITS.valueDepth} levels`, json.pos);
}

function readArray(json: Json, depth: number): Value[] {
  checkDepth(json, depth);
  const list: Value[] = [];
  enterObject(json, 'arrayValue');
  for (let member = nextMember(json, LIST); member !== NO_MEMBER; member = nextMember(json, LIST)) {
    if (member !== VALUES) {
      skipValue(json);
      continue;
    }
    enterList(json, 'arrayValue.values');
    while (nextElement(json)) {
      if (list.length >= LIST_VALUES || json.values >= RECORD_VALUES) skipValue(json);
      else list.push(readValueObject(json, depth + 1));
    }
  }
  return list;
}

/** An AnyValue as an object of its own. null keeps its place in a list, as an empty value. */
export function readValueObject(json: Json, depth: number): Value {
  json.values++;
  if (skipNull(json)) return { type: VALUE_EMPTY, value: null };
  readValue(json, depth);
  // readValue sets type and value together, which the compiler cannot follow through two fields.
  return { type: json.type, value: json.value } as Value;
}

function readKeyValueList(json: Json, depth: number): Attribute[] {
  checkDepth(json, depth);
  const list: Attribute[] = [];
  enterObject(json, 'kvlistValue');
  for (let member = nextMember(json, LIST); member !== NO_MEMBER; member = nextMember(json, LIST)) {
    if (member === VALUES) readAttributes(json, 'kvlistValue.values', depth + 1, list);
    else skipValue(json);
  }
  return list;
}

/** Reads a list of {key, value} objects and appends them, until the list or the record is full. */
export function readAttributes(json: Json, field: string, depth: number, list: Attribute[]): void {
  enterList(json, field);
  while (nextElement(json)) {
    if (skipNull(json)) continue;
    if (list.length >= LIST_VALUES || json.values >= RECORD_VALUES) skipValue(json);
    else list.push(readAttribute(json, field, depth));
  }
}

function readAttribute(json: Json, field: string, depth: number): Attribute {
  json.values++;
  enterObject(json, `${field} element`);
  let key = '';
  let type: number = VALUE_EMPTY;
  let value: unknown = null;
  for (let member = nextMember(json, ATTRIBUTE); member !== NO_MEMBER; member = nextMember(json, ATTRIBUTE)) {
    if (member === KEY) {
      key = readString(json, 'an attribute key');
    } else if (member === KEY_VALUE) {
      readValue(json, depth);
      type = json.type;
      value = json.value;
    } else {
      skipValue(json);
    }
  }
  return { key, type, value } as Attribute;
}
