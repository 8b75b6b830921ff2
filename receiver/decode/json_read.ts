/**
 * Reading JSON by its members: names looked up in small tables, then strings, numbers, times and ids in the forms that OTLP/JSON allows.
 * 64-bit numbers never pass through a double.
 */

import { Fault } from './budget.ts';
import { idOfText } from './ids.ts';
import {
  CLOSE_LIST,
  CLOSE_OBJECT,
  COMMA,
  type Json,
  LETTER_N,
  nextByte,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  scanName,
  scanNumber,
  scanString,
  scanWord,
  skipValue,
  syntaxFault,
} from './json_scan.ts';
import { readText, sourceOf } from './text.ts';

/** What nextMember returns at the end of the object, and for a name that the table does not hold. */
export const NO_MEMBER = -1;
export const UNKNOWN_MEMBER = 0;

/** Field numbers by name: `slots` holds the index of a name plus one at the place its hash gives, without collisions. */
export interface Names {
  readonly texts: readonly string[];
  readonly bytes: readonly Uint8Array[];
  readonly ids: readonly number[];
  readonly slots: Uint8Array;
  readonly seed: number;
}

const SLOT_MASK = 255;
const MAX_SEED = 0x9e3779b1 + 100_000;

/** Of length and four bytes: enough to tell the names of any one table apart with a suitable seed. */
function hashBytes(seed: number, bytes: Uint8Array, start: number, length: number): number {
  const end = start + length - 1;
  const outer = ((bytes[start] as number) << 16) | (bytes[end] as number);
  const inner = ((bytes[start + (length >> 1)] as number) << 8) ^ ((bytes[length > 1 ? end - 1 : end] as number) << 4);
  return Math.imul((length << 24) ^ outer ^ inner, seed) >>> 24;
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** A table of camelCase names, each known in snake_case too (as the Collector accepts); ids are 1, 2, ... in the given order. */
export function namesOf(...camelNames: string[]): Names {
  const texts: string[] = [];
  const ids: number[] = [];
  camelNames.forEach((name, index) => {
    for (const text of new Set([name, snakeCase(name)])) {
      texts.push(text);
      ids.push(index + 1);
    }
  });
  const bytes = texts.map((text) => new Uint8Array(Buffer.from(text, 'latin1')));
  for (let seed = 0x9e3779b1; seed < MAX_SEED; seed += 2) {
    const slots = new Uint8Array(SLOT_MASK + 1);
    const isFree = bytes.every((name, index) => {
      const slot = hashBytes(seed, name, 0, name.length);
      if (slots[slot] !== 0) return false;
      slots[slot] = index + 1;
      return true;
    });
    if (isFree) return { texts, bytes, ids, slots, seed };
  }
  throw new Error(`no table without collisions for ${camelNames.join(', ')}`);
}

function lookUp(json: Json, names: Names, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return UNKNOWN_MEMBER;
  const buf = json.buf;
  const index = (names.slots[hashBytes(names.seed, buf, start, length)] as number) - 1;
  if (index < 0) return UNKNOWN_MEMBER;
  const name = names.bytes[index] as Uint8Array;
  if (name.length !== length) return UNKNOWN_MEMBER;
  for (let i = 0; i < length; i++) if (name[i] !== buf[start + i]) return UNKNOWN_MEMBER;
  return names.ids[index] as number;
}

/** Enters an object; anything else is a fault that names `field`. */
export function enterObject(json: Json, field: string): void {
  if (nextByte(json) !== OPEN_OBJECT) throw new Fault(`${field} must be an object`, json.pos);
  json.pos++;
}

/** Enters a list; anything else is a fault that names `field`. An object in place of an attribute list is marked as such. */
export function enterList(json: Json, field: string): void {
  const byte = nextByte(json);
  if (byte === OPEN_LIST) {
    json.pos++;
    return;
  }
  const isMap = byte === OPEN_OBJECT && field.endsWith('attributes');
  throw new Fault(
    `${field} must be a list${isMap ? ' of {"key", "value"} objects, not an object' : ''}`,
    json.pos,
    isMap,
  );
}

/** Moves to the value of the next member that is not null. Returns its field number, UNKNOWN_MEMBER, or NO_MEMBER past the end. */
export function nextMember(json: Json, names: Names): number {
  for (;;) {
    const id = nextName(json, names);
    if (id === NO_MEMBER || nextByte(json) !== LETTER_N) return id;
    scanWord(json, 'null');
  }
}

/** The same for the next member of any value, for walks that must be able to stop between two members. */
export function nextName(json: Json, names: Names): number {
  // Nothing but the bracket itself ends in this byte, so it tells the first member from the others.
  const isFirst = json.buf[json.pos - 1] === OPEN_OBJECT;
  const byte = nextByte(json);
  if (byte === CLOSE_OBJECT) {
    json.pos++;
    return NO_MEMBER;
  }
  if (!isFirst) {
    if (byte !== COMMA) throw syntaxFault(json, 'a comma or }');
    json.pos++;
    nextByte(json);
  }
  const start = json.pos + 1;
  const end = scanName(json);
  return json.escaped ? escapedName(json, names, start, end) : lookUp(json, names, start, end);
}

function escapedName(json: Json, names: Names, start: number, end: number): number {
  const index = names.texts.indexOf(unescaped(json, start, end));
  return index < 0 ? UNKNOWN_MEMBER : (names.ids[index] as number);
}

/** Moves to the next element of a list; false past its end. */
export function nextElement(json: Json): boolean {
  const isFirst = json.buf[json.pos - 1] === OPEN_LIST;
  const byte = nextByte(json);
  if (byte === CLOSE_LIST) {
    json.pos++;
    return false;
  }
  if (!isFirst) {
    if (byte !== COMMA) throw syntaxFault(json, 'a comma or ]');
    json.pos++;
  }
  return true;
}

/** Moves past null, if it stands here. */
export function skipNull(json: Json): boolean {
  if (nextByte(json) !== LETTER_N) return false;
  scanWord(json, 'null');
  return true;
}

/** A string with escapes: content [start, end) of a scanned string. Lone surrogates become U+FFFD. */
function unescaped(json: Json, start: number, end: number): string {
  const raw = json.buf.utf8Slice(start - 1, end + 1);
  const text = JSON.parse(raw) as string;
  return raw.includes('\\u') ? text.replace(/\p{Surrogate}/gu, '\uFFFD') : text;
}

export function readString(json: Json, field: string): string {
  if (nextByte(json) !== QUOTE) throw new Fault(`${field} must be a string`, json.pos);
  const start = json.pos + 1;
  const end = scanString(json);
  return json.escaped ? unescaped(json, start, end) : readText(json, start, end);
}

/** An id of `digits` hex digits; '' for whatever is no such id, a value of another type included. */
export function readId(json: Json, digits: number): string {
  if (nextByte(json) !== QUOTE) {
    skipValue(json);
    return '';
  }
  const start = json.pos + 1;
  const end = scanString(json);
  if (!json.escaped) return idOfText(json, start, end, digits);
  const plain = sourceOf(Buffer.from(unescaped(json, start, end)));
  return idOfText(plain, 0, plain.length, digits);
}

/** An enum by its number, or by its protocol name with `prefix`; an unknown number is 0, an unknown name a fault. */
export function readEnum(json: Json, field: string, names: readonly string[], prefix: string): number {
  const at = json.pos;
  if (nextByte(json) === QUOTE) {
    const name = readString(json, field);
    const index = name.startsWith(prefix) ? names.indexOf(name.slice(prefix.length)) : -1;
    if (index < 0) throw new Fault(`${field} must be a number of the protocol's enum`, at);
    return index;
  }
  const value = readBareNumber(json, field);
  if (!Number.isInteger(value)) throw new Fault(`${field} must be a number of the protocol's enum`, at);
  return value >= 0 && value < names.length ? value : 0;
}

/** A JSON number as a double. */
export function readBareNumber(json: Json, field: string): number {
  const start = json.pos;
  const byte = nextByte(json);
  if (byte !== 0x2d && (byte < 0x30 || byte > 0x39)) throw new Fault(`${field} must be a number`, start);
  const from = json.pos;
  scanNumber(json);
  return Number(json.buf.latin1Slice(from, json.pos));
}

export function readBool(json: Json, field: string): boolean {
  const byte = nextByte(json);
  if (byte !== 0x74 && byte !== 0x66) throw new Fault(`${field} must be true or false`, json.pos);
  skipValue(json);
  return byte === 0x74;
}
