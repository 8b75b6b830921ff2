/** Integers, doubles and times of OTLP/JSON: a 64-bit integer is a decimal string or a number, a double also a name for what JSON lacks. */

import { Fault } from './budget.ts';
import { readBareNumber, readString } from './json_read.ts';
import { type Json, nextByte, QUOTE, scanNumber, scanString } from './json_scan.ts';

const MINUS = 0x2d;
const ZERO = 0x30;
/** So many digits always fit a safe integer. */
const SAFE_DIGITS = 15;
/** Decimal text with nothing around it; a fraction of zeros is forgiven, as many languages print whole doubles so. */
const WHOLE = /^(-?[0-9]{1,40})(?:\.0+)?$/;
/** Longest text that is looked at as a number. */
const NUMBER_CHARS = 400;
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;
const DECIMAL = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

/** Scans a number or string and leaves json.pos after it. Returns where its content starts; the content ends at `contentEnd`. */
function scanNumeric(json: Json, field: string): number {
  const byte = nextByte(json);
  const start = json.pos;
  if (byte === QUOTE) {
    contentEnd = scanString(json);
    return start + 1;
  }
  if (byte !== MINUS && (byte < ZERO || byte > 0x39)) throw new Fault(`${field} must be an integer`, start);
  scanNumber(json);
  contentEnd = json.pos;
  return start;
}

/** Where the content that scanNumeric found last ends: a second return value. */
let contentEnd = 0;

/** Digits [start, end) as a double, exact up to 2^53; -1 when anything else stands there. */
function digitsOf(json: Json, start: number, end: number): number {
  const buf = json.buf;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = (buf[i] as number) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** The slow way for any integer in [min, max]: long, with a fraction of zeros, or a number with an exponent. */
function wideInt(json: Json, start: number, field: string, min: bigint, max: bigint): bigint {
  const text = json.buf.latin1Slice(start, contentEnd);
  const whole = text.length > NUMBER_CHARS ? undefined : WHOLE.exec(text)?.[1];
  const isBare = json.pos === contentEnd;
  let value: bigint | undefined;
  if (whole !== undefined) value = BigInt(whole);
  else if (isBare && Number.isInteger(Number(text))) value = BigInt(Number(text));
  if (value === undefined || value < min || value > max) {
    throw new Fault(`${field} must be a ${min < 0n ? 'signed' : 'unsigned'} 64-bit integer in decimal`, start);
  }
  return value;
}

/** A signed 64-bit integer: a number while that is exact, else a bigint. */
export function readInt64(json: Json, field: string): number | bigint {
  const start = scanNumeric(json, field);
  const isNegative = json.buf[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  const digits = contentEnd - first;
  if (digits > 0 && digits <= SAFE_DIGITS) {
    const value = digitsOf(json, first, contentEnd);
    if (value >= 0) return isNegative && value !== 0 ? -value : value;
  }
  const wide = wideInt(json, start, field, MIN_INT64, MAX_INT64);
  const near = Number(wide);
  return Number.isSafeInteger(near) ? near : wide;
}

/** Unsigned 64-bit nanoseconds into json.us and json.ns. */
export function readNanos(json: Json, field: string): void {
  const start = scanNumeric(json, field);
  const cut = contentEnd - 3;
  // 19 digits end in the year 2286; their microseconds are exact.
  if (cut > start && contentEnd - start <= 19) {
    const micros = digitsOf(json, start, cut);
    const nanos = digitsOf(json, cut, contentEnd);
    if (micros >= 0 && nanos >= 0) {
      setTime(json, micros, nanos);
      return;
    }
  }
  const wide = wideInt(json, start, field, 0n, MAX_UINT64);
  setTime(json, Number(wide / 1000n), Number(wide % 1000n));
}

function setTime(json: Json, micros: number, nanos: number): void {
  const isSafe = micros <= Number.MAX_SAFE_INTEGER;
  json.us = isSafe ? micros : Number.POSITIVE_INFINITY;
  json.ns = isSafe ? nanos : 0;
}

export function readDouble(json: Json, field: string): number {
  if (nextByte(json) !== QUOTE) return readBareNumber(json, field);
  const at = json.pos;
  const text = readString(json, field);
  if (text === 'NaN') return Number.NaN;
  if (text === 'Infinity') return Number.POSITIVE_INFINITY;
  if (text === '-Infinity') return Number.NEGATIVE_INFINITY;
  if (text.length > NUMBER_CHARS || !DECIMAL.test(text)) throw new Fault(`${field} must be a number`, at);
  return Number(text);
}
