/** The `extra` column: what a record carries that has no column, within hard caps, after privacy; and the marks of what is odd about it. */

import {
  VALUE_ARRAY,
  VALUE_BOOL,
  VALUE_BYTES,
  VALUE_DOUBLE,
  VALUE_EMPTY,
  VALUE_INT,
  VALUE_KVLIST,
  VALUE_STRING,
  type Value,
} from '../decode/shape.ts';
import { LIMITS } from '../limits.ts';
import type { KeyClass, Layer } from './layer.ts';
import { isHarmless, MASK, type Redact } from './privacy.ts';
import { classifyNestedKey } from './sensitive_keys.ts';
import { cleanText, cutBytes } from './text.ts';

const MASK_JSON = `"${MASK}"`;
const MAX_MARKS = 12;
/** Room for ,"dropped_attributes":1024 */
const DROPPED_BYTES = 30;
/** Values of a list or map, at all depths; what is kept is cut far earlier. */
const MAX_ELEMENTS = 64;
const MAX_DEPTH = 4;

/** Our own keys are written first, the item's id before all others, so that attributes cannot push them out. */
export class Extra {
  readonly #redact: Redact;
  #itemJson = '';
  #ownJson = '';
  #ownKeys = 0;
  #marks: string[] | null = null;

  constructor(redact: Redact) {
    this.#redact = redact;
  }

  /** Says what is odd about the record: negative_duration, ignored values, cut text. */
  mark(mark: string): void {
    if (this.#marks === null) this.#marks = [mark];
    else if (!this.#marks.includes(mark) && this.#marks.length < MAX_MARKS) this.#marks.push(mark);
  }

  /** @param text as its id was made from it: after privacy and short enough to be kept whole. */
  itemId(text: string): void {
    this.#itemJson = `"item_id":${JSON.stringify(text)}`;
  }

  /** One of our own keys (extra_keys.ts), with text that may hold anything. */
  text(key: string, text: string): void {
    this.json(key, this.#textJson(text));
  }

  /** One of our own keys, with JSON text that is fit to be stored. */
  json(key: string, json: string): void {
    this.#ownJson += `${this.#ownJson === '' ? '' : ','}"${key}":${json}`;
    this.#ownKeys++;
  }

  /** @returns JSON text of an object, or null when there is nothing to say. */
  finish({ rest, restKeys, restCount }: Layer): string | null {
    const marksJson = this.#marks === null ? '' : `"marks":${JSON.stringify(this.#marks)}`;
    let json = joined(this.#itemJson, this.#ownJson);
    let keys = this.#ownKeys + (this.#itemJson === '' ? 0 : 1) + (marksJson === '' ? 0 : 1);
    let bytes = 2 + Buffer.byteLength(json) + marksJson.length + 1 + DROPPED_BYTES;
    const maxKeys = keys + restCount > LIMITS.extraKeys ? LIMITS.extraKeys - 1 : LIMITS.extraKeys;
    let dropped = 0;
    for (let index = 0; index < restCount; index++) {
      const key = restKeys[index] as KeyClass;
      const value = rest[index] as Value;
      if (keys >= maxKeys) {
        dropped++;
        continue;
      }
      const valueJson = key.secret ? MASK_JSON : this.#valueJson(value);
      if (valueJson === null) continue;
      const size = key.bytes + 1 + byteLength(valueJson, value);
      if (bytes + size > LIMITS.extraBytes) {
        dropped++;
        continue;
      }
      json = json === '' ? key.keyJson + valueJson : `${json},${key.keyJson}${valueJson}`;
      bytes += size;
      keys++;
    }
    if (dropped > 0) json = joined(json, `"dropped_attributes":${dropped}`);
    json = joined(json, marksJson);
    return json === '' ? null : `{${json}}`;
  }

  #valueJson(value: Value): string | null {
    switch (value.type) {
      case VALUE_STRING:
        return this.#textJson(value.value);
      case VALUE_BOOL:
        return value.value ? 'true' : 'false';
      case VALUE_INT:
        return value.value.toString();
      case VALUE_DOUBLE:
        return Number.isFinite(value.value) ? String(value.value) : `"${value.value}"`;
      case VALUE_EMPTY:
        return null;
      case VALUE_BYTES:
        return `"(${value.value.length} bytes)"`;
      default:
        return this.#textJson(plainText(value, this.#redact, { elements: MAX_ELEMENTS }, 0));
    }
  }

  #textJson(text: string): string {
    if (isHarmless(text)) return `"${text}"`;
    return JSON.stringify(cutBytes(this.#redact(cleanText(text)), LIMITS.extraValueBytes));
  }
}

function joined(left: string, right: string): string {
  if (left === '') return right;
  return right === '' ? left : `${left},${right}`;
}

/** Numbers and words are ASCII as they stand. */
function byteLength(json: string, { type }: Value): number {
  return type === VALUE_STRING || type === VALUE_ARRAY || type === VALUE_KVLIST ? Buffer.byteLength(json) : json.length;
}

/**
 * Lists and maps as one line of text, which is cut afterwards, so it stops early. Contents and secrets inside of maps go, and each text
 * loses what must not be stored before it is cut.
 */
function plainText(value: Value, redact: Redact, left: { elements: number }, depth: number): string {
  if (depth > MAX_DEPTH) return '...';
  if (value.type === VALUE_ARRAY) {
    const elements: string[] = [];
    for (const element of value.value) {
      if (left.elements-- <= 0) break;
      elements.push(plainText(element, redact, left, depth + 1));
    }
    return `[${elements.join(', ')}]`;
  }
  if (value.type === VALUE_KVLIST) {
    const entries: string[] = [];
    for (const entry of value.value) {
      if (left.elements-- <= 0) break;
      const privacy = classifyNestedKey(entry.key);
      if (privacy === 'content') continue;
      const key = cutBytes(redact(cleanText(entry.key)), LIMITS.extraKeyBytes);
      entries.push(`${key}: ${privacy === 'secret' ? MASK : plainText(entry, redact, left, depth + 1)}`);
    }
    return `{${entries.join(', ')}}`;
  }
  if (value.type === VALUE_BYTES) return `(${value.value.length} bytes)`;
  if (value.type === VALUE_STRING) return cutBytes(redact(cleanText(value.value)), LIMITS.extraValueBytes);
  return value.value === null ? '' : String(value.value);
}
