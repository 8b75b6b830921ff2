/**
 * JSON grammar over the body's bytes: moves past a value, checking all of RFC 8259 without building anything and without recursion, so that
 * neither nesting nor size costs memory. This is what proves a body complete before its first record is handed out.
 */

import { Fault } from './budget.ts';
import { type Source, sourceOf } from './text.ts';

/** A body being read. The scratch fields hold what the last read produced, in place of an object per read. */
export interface Json extends Source {
  pos: number;
  /** Values of the current record so far. */
  values: number;
  /** The AnyValue read last. */
  type: number;
  value: unknown;
  /** The time read last. */
  us: number;
  ns: number;
  /** The string scanned last: whether it holds a backslash. */
  escaped: boolean;
  /** Set when a skipped value held a member `attributes` whose value is an object. */
  sawAttributeMap: boolean;
}

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const BACKSLASH = 0x5c;
export const OPEN_LIST = 0x5b;
export const CLOSE_LIST = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
const LETTER_A = 0x61;
const LETTER_T = 0x74;
const LETTER_F = 0x66;
export const LETTER_N = 0x6e;
const LETTER_U = 0x75;
const MINUS = 0x2d;
const END = -1;

/** Containers of any kind inside each other; more than any record that could be kept. */
const MAX_DEPTH = 1_000_000;
const ATTRIBUTES_LENGTH = 'attributes'.length;

/** 1 for a byte that stands for itself inside a string. */
const PLAIN = new Uint8Array(256).fill(1, 0x20);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;
/** 1 for the letters that may follow a backslash; u is told apart. */
const ESCAPE = new Uint8Array(256);
for (const letter of '"\\/bfnrt') ESCAPE[letter.charCodeAt(0)] = 1;
const HEX = new Uint8Array(256);
for (const digit of '0123456789abcdefABCDEF') HEX[digit.charCodeAt(0)] = 1;

export function newJson(body: Uint8Array): Json {
  const { buf, view, length } = sourceOf(body);
  return {
    buf,
    view,
    length,
    pos: 0,
    values: 0,
    type: 0,
    value: null,
    us: 0,
    ns: 0,
    escaped: false,
    sawAttributeMap: false,
  };
}

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

export function byteAt(json: Json, pos: number): number {
  return pos < json.length ? (json.buf[pos] as number) : END;
}

/** Moves to the next byte that is no white space and returns it; -1 at the end of the body. */
export function nextByte(json: Json): number {
  // Most senders write no white space at all, so the common way out is kept small enough to be inlined.
  const byte = byteAt(json, json.pos);
  return byte > 0x20 ? byte : skipSpace(json);
}

function skipSpace(json: Json): number {
  const { buf, length } = json;
  let pos = json.pos;
  while (pos < length && isSpace(buf[pos] as number)) pos++;
  json.pos = pos;
  return byteAt(json, pos);
}

export function syntaxFault(json: Json, wanted: string): Fault {
  const what =
    json.pos >= json.length ? `the body ends where ${wanted} must follow` : `not JSON: ${wanted} must stand here`;
  return new Fault(what, json.pos);
}

/**
 * The position of the first four bytes that may hold a quote, a backslash or a control character. Subtracting from all four at once sets the
 * high bit of such a byte; a borrow can set one too many, never one too few, and the caller looks at single bytes from there.
 */
function skipPlainWords(json: Json, from: number): number {
  const view = json.view;
  const last = json.length - 4;
  let pos = from;
  while (pos <= last) {
    const word = view.getInt32(pos, true);
    const quote = word ^ 0x22222222;
    const backslash = word ^ 0x5c5c5c5c;
    const control = (word - 0x20202020) & ~word;
    const special = ((quote - 0x01010101) & ~quote) | ((backslash - 0x01010101) & ~backslash);
    if (((control | special) & 0x80808080) !== 0) break;
    pos += 4;
  }
  return pos;
}

/** Moves past a string whose opening quote is here. Returns where its content ends; json.escaped says whether it must be unescaped. */
export function scanString(json: Json): number {
  const { buf, length } = json;
  let pos = skipPlainWords(json, json.pos + 1);
  json.escaped = false;
  for (;;) {
    while (pos < length && PLAIN[buf[pos] as number] === 1) pos++;
    const byte = pos < length ? (buf[pos] as number) : END;
    if (byte === QUOTE) {
      json.pos = pos + 1;
      return pos;
    }
    json.pos = pos;
    if (byte === END) throw new Fault('the body ends inside a string', pos);
    if (byte !== BACKSLASH) throw new Fault('not JSON: a control character inside a string must be escaped', pos);
    json.escaped = true;
    pos = skipEscape(json, pos);
  }
}

function skipEscape(json: Json, pos: number): number {
  const letter = byteAt(json, pos + 1);
  if (letter !== LETTER_U) {
    if (letter !== END && ESCAPE[letter] === 1) return pos + 2;
    throw new Fault('not JSON: an unknown escape inside a string', pos);
  }
  for (let i = pos + 2; i < pos + 6; i++) {
    const digit = byteAt(json, i);
    if (digit === END || HEX[digit] === 0) throw new Fault('not JSON: \\u needs four hex digits', pos);
  }
  return pos + 6;
}

function skipDigits(json: Json, from: number): number {
  let pos = from;
  while (isDigit(byteAt(json, pos))) pos++;
  if (pos === from) {
    json.pos = pos;
    throw syntaxFault(json, 'a digit');
  }
  return pos;
}

/** Moves past a number. */
export function scanNumber(json: Json): void {
  let pos = json.pos;
  if (byteAt(json, pos) === MINUS) pos++;
  pos = byteAt(json, pos) === 0x30 ? pos + 1 : skipDigits(json, pos);
  if (byteAt(json, pos) === 0x2e) pos = skipDigits(json, pos + 1);
  if ((byteAt(json, pos) | 0x20) === 0x65) {
    const sign = byteAt(json, pos + 1);
    pos = skipDigits(json, sign === MINUS || sign === 0x2b ? pos + 2 : pos + 1);
  }
  json.pos = pos;
}

/** Moves past a literal. */
export function scanWord(json: Json, word: string): void {
  for (let i = 0; i < word.length; i++) {
    if (byteAt(json, json.pos + i) !== word.charCodeAt(i)) throw syntaxFault(json, 'a value');
  }
  json.pos += word.length;
}

function scanScalar(json: Json, byte: number): void {
  if (byte === QUOTE) scanString(json);
  else if (isDigit(byte) || byte === MINUS) scanNumber(json);
  else if (byte === LETTER_T) scanWord(json, 'true');
  else if (byte === LETTER_F) scanWord(json, 'false');
  else if (byte === LETTER_N) scanWord(json, 'null');
  else if (byte === 0x4e) throw new Fault('not JSON: NaN must be sent as the string "NaN"', json.pos);
  else throw syntaxFault(json, 'a value');
}

/** Moves past a member's name and colon, to its value. Returns where the name's content ends. */
export function scanName(json: Json): number {
  if (nextByte(json) !== QUOTE) throw syntaxFault(json, 'a member name in quotes');
  const end = scanString(json);
  if (nextByte(json) !== COLON) throw syntaxFault(json, 'a colon');
  json.pos++;
  return end;
}

function skipName(json: Json): void {
  nextByte(json);
  const start = json.pos + 1;
  const end = scanName(json);
  if (end - start === ATTRIBUTES_LENGTH && json.buf[start] === LETTER_A && nextByte(json) === OPEN_OBJECT) {
    json.sawAttributeMap = true;
  }
}

/** The kinds of the containers around the current byte, one bit each (1: object), kept between calls and grown when needed. */
let kinds = new Uint8Array(64);

function pushKind(json: Json, depth: number, isObject: boolean): void {
  if (depth >= MAX_DEPTH) throw new Fault(`nested deeper than ${MAX_DEPTH} levels`, json.pos);
  const index = depth >> 3;
  if (index >= kinds.length) {
    const grown = new Uint8Array(kinds.length * 2);
    grown.set(kinds);
    kinds = grown;
  }
  const bit = 1 << (depth & 7);
  kinds[index] = isObject ? (kinds[index] as number) | bit : (kinds[index] as number) & ~bit;
}

/** Moves past one value of any kind, white space before it included. */
export function skipValue(json: Json): void {
  let depth = 0;
  for (;;) {
    const byte = nextByte(json);
    if (byte === OPEN_OBJECT) {
      pushKind(json, depth++, true);
      json.pos++;
      if (nextByte(json) !== CLOSE_OBJECT) {
        skipName(json);
        continue;
      }
      json.pos++;
      depth--;
    } else if (byte === OPEN_LIST) {
      pushKind(json, depth++, false);
      json.pos++;
      if (nextByte(json) !== CLOSE_LIST) continue;
      json.pos++;
      depth--;
    } else {
      scanScalar(json, byte);
    }
    depth = closeContainers(json, depth);
    if (depth === 0) return;
  }
}

/** After a value: moves past closing brackets and the next comma. Returns the depth of the value that follows; 0 when none does. */
function closeContainers(json: Json, from: number): number {
  let depth = from;
  while (depth > 0) {
    const byte = nextByte(json);
    const isObject = ((kinds[(depth - 1) >> 3] as number) & (1 << ((depth - 1) & 7))) !== 0;
    if (byte === COMMA) {
      json.pos++;
      if (isObject) skipName(json);
      return depth;
    }
    if (byte !== (isObject ? CLOSE_OBJECT : CLOSE_LIST)) {
      throw syntaxFault(json, isObject ? 'a comma or }' : 'a comma or ]');
    }
    json.pos++;
    depth--;
  }
  return 0;
}
