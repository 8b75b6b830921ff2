/** Storable text: no NUL (PostgreSQL refuses it), cut on code point boundaries. */

import { createHash } from 'node:crypto';

/** Replaces NUL by U+FFFD, as decoding does with bytes that are no text. */
export function cleanText(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text;
}

/** The first `maxChars` code points of `text`. */
export function cutChars(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  let units = 0;
  for (let chars = 0; chars < maxChars && units < text.length; chars++) {
    units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1;
  }
  return text.slice(0, units);
}

/** At most the first `maxUnits` UTF-16 units, never half a code point. */
export function cutUnits(text: string, maxUnits: number): string {
  if (maxUnits <= 0) return '';
  const last = text.charCodeAt(maxUnits - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? maxUnits - 1 : maxUnits);
}

/** At most `maxBytes` bytes of UTF-8, never half a code point. */
export function cutBytes(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return text;
  const cut = Buffer.from(text).subarray(0, maxBytes);
  let end = maxBytes;
  // Step back over continuation bytes, then over a lead byte that lost them.
  while (end > 0 && ((cut[end - 1] ?? 0) & 0xc0) === 0x80) end--;
  const lead = cut[end - 1] ?? 0;
  const width = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return cut.toString('utf8', 0, end - 1 + width <= maxBytes ? end - 1 + width : end - 1);
}

/** A name that must stay distinct when it is too long: its head, `~` and six hex digits of its SHA-256. */
export function cutName(name: string, maxChars: number): string {
  const head = cutChars(name, maxChars);
  if (head.length === name.length) return name;
  return `${cutChars(name, maxChars - 7)}~${createHash('sha256').update(name).digest('hex').slice(0, 6)}`;
}
