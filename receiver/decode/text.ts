/**
 * Bytes to strings, for both encodings. Telemetry repeats the same short strings (keys, stages, vendors, models) thousands of times, so
 * they are looked up by their bytes in a fixed table before a string is made; the table also gives map/ the same string object again,
 * whose hash is already computed.
 */

/**
 * Node's own slice methods, which Buffer.toString calls after looking at the name of the encoding; for strings of ten bytes that look costs
 * as much as the slice. They exist in every Node release that has Buffer, but not in its types.
 */
export interface Bytes extends Buffer {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
  hexSlice(start: number, end: number): string;
}

/** A body and the view that reads it four bytes at a time. */
export interface Source {
  readonly buf: Bytes;
  readonly view: DataView;
  readonly length: number;
}

/** Longest string that the table keeps, in bytes. */
const CACHED_BYTES = 32;
const SLOT_WORDS = CACHED_BYTES / 4;
/** A power of two. The whole table stays under half a megabyte, whatever is sent. */
const SLOTS = 4096;
const HIGH_BITS = 0x80808080 | 0;

const slotTexts: string[] = new Array<string>(SLOTS).fill('');
const slotWords = new Int32Array(SLOTS * SLOT_WORDS);
const scratch = new Int32Array(SLOT_WORDS);
/** Which bytes of a little-endian word belong to a string that ends within it, by length modulo 4. */
const TAIL_MASK = Int32Array.of(-1, 0xff, 0xffff, 0xffffff);

export function sourceOf(body: Uint8Array): Source {
  const buf = Buffer.from(body.buffer, body.byteOffset, body.byteLength) as Bytes;
  return { buf, view: new DataView(body.buffer, body.byteOffset, body.byteLength), length: body.byteLength };
}

/** The last, possibly partial, word of a string; the bytes after it may lie outside the body. */
function tailWord(source: Source, at: number, end: number): number {
  const mask = TAIL_MASK[(end - at) & 3] as number;
  if (at + 4 <= source.length) return source.view.getInt32(at, true) & mask;
  let word = 0;
  for (let i = end - 1; i >= at; i--) word = (word << 8) | (source.buf[i] as number);
  return word;
}

/** Text of bytes [start, end), which lie within the body. Invalid UTF-8 becomes U+FFFD. */
export function readText(source: Source, start: number, end: number): string {
  const length = end - start;
  if (length === 0) return '';
  if (length > CACHED_BYTES) return source.buf.utf8Slice(start, end);
  const view = source.view;
  const last = (length - 1) >> 2;
  let hash = length;
  let high = 0;
  let at = start;
  for (let i = 0; i < last; i++) {
    const word = view.getInt32(at, true);
    scratch[i] = word;
    high |= word;
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
    at += 4;
  }
  const tail = tailWord(source, at, end);
  scratch[last] = tail;
  if (((high | tail) & HIGH_BITS) !== 0) return source.buf.utf8Slice(start, end);
  hash = Math.imul(hash ^ tail, 0x9e3779b1);
  return cachedText(source, start, end, last, (hash ^ (hash >>> 15)) & (SLOTS - 1));
}

function cachedText(source: Source, start: number, end: number, last: number, slot: number): string {
  const known = slotTexts[slot] as string;
  const base = slot * SLOT_WORDS;
  if (known.length === end - start) {
    let i = last;
    while (i >= 0 && slotWords[base + i] === scratch[i]) i--;
    if (i < 0) return known;
  }
  const text = source.buf.latin1Slice(start, end);
  slotTexts[slot] = text;
  for (let i = 0; i <= last; i++) slotWords[base + i] = scratch[i] as number;
  return text;
}
