/** Trace and span ids: from 16 or 8 bytes, or from the text of OTLP/JSON, to lower-case hex; '' for all that is no id. */

import type { Source } from './text.ts';

const DIGITS = '0123456789abcdef';
const HIGH = Uint8Array.from({ length: 256 }, (_, byte) => DIGITS.charCodeAt(byte >> 4));
const LOW = Uint8Array.from({ length: 256 }, (_, byte) => DIGITS.charCodeAt(byte & 15));

/** 0: no hex digit; 1: a lower-case digit; 3: an upper-case letter. */
const HEX_CLASS = new Uint8Array(256);
for (const digit of DIGITS) {
  HEX_CLASS[digit.toUpperCase().charCodeAt(0)] = 3;
  HEX_CLASS[digit.charCodeAt(0)] = 1;
}
const DIGIT_ZERO = 0x30;

const BASE64_ID = /^[A-Za-z0-9+/_-]+={1,2}$/;

/** The trace id seen last: spans of one trace mostly follow each other. */
let lastTrace = '';
const lastTraceWords = new Int32Array(4);

/** Bytes [start, end) as a trace id; '' unless they are 16 and not all zero. */
export function traceIdOfBytes(source: Source, start: number, end: number): string {
  if (end - start !== 16) return '';
  const view = source.view;
  const a = view.getInt32(start, true);
  const b = view.getInt32(start + 4, true);
  const c = view.getInt32(start + 8, true);
  const d = view.getInt32(start + 12, true);
  const words = lastTraceWords;
  if (words[0] === a && words[1] === b && words[2] === c && words[3] === d) return lastTrace;
  words[0] = a;
  words[1] = b;
  words[2] = c;
  words[3] = d;
  lastTrace = (a | b | c | d) === 0 ? '' : source.buf.hexSlice(start, end);
  return lastTrace;
}

/** Bytes [start, end) as a span id; '' unless they are 8 and not all zero. */
export function spanIdOfBytes(source: Source, start: number, end: number): string {
  if (end - start !== 8) return '';
  const buf = source.buf;
  const a = buf[start] as number;
  const b = buf[start + 1] as number;
  const c = buf[start + 2] as number;
  const d = buf[start + 3] as number;
  const e = buf[start + 4] as number;
  const f = buf[start + 5] as number;
  const g = buf[start + 6] as number;
  const h = buf[start + 7] as number;
  if ((a | b | c | d | e | f | g | h) === 0) return '';
  // One call with all the code units is three times as fast as hexSlice for so short an id.
  // biome-ignore format: two digits of one byte stand together.
  return String.fromCharCode(
    HIGH[a] as number, LOW[a] as number, HIGH[b] as number, LOW[b] as number,
    HIGH[c] as number, LOW[c] as number, HIGH[d] as number, LOW[d] as number,
    HIGH[e] as number, LOW[e] as number, HIGH[f] as number, LOW[f] as number,
    HIGH[g] as number, LOW[g] as number, HIGH[h] as number, LOW[h] as number,
  );
}

/**
 * The id in the text at [start, end) of a JSON body: `digits` hex digits in any case, or base64 of half as many bytes (a common mistake
 * of senders that cannot be taken for hex, as its length differs).
 */
export function idOfText(source: Source, start: number, end: number, digits: number): string {
  const buf = source.buf;
  if (end - start !== digits) return idOfBase64(buf.latin1Slice(start, end), digits);
  let classes = 1;
  let some = 0;
  for (let i = start; i < end; i++) {
    const byte = buf[i] as number;
    const kind = HEX_CLASS[byte] as number;
    if (kind === 0) return '';
    classes |= kind;
    some |= byte ^ DIGIT_ZERO;
  }
  if (some === 0) return '';
  const text = buf.latin1Slice(start, end);
  return classes === 1 ? text : text.toLowerCase();
}

function idOfBase64(text: string, digits: number): string {
  const byteLength = digits / 2;
  if (text.length !== Math.ceil(byteLength / 3) * 4 || !BASE64_ID.test(text)) return '';
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== byteLength || bytes.every((byte) => byte === 0)) return '';
  return bytes.toString('hex');
}
