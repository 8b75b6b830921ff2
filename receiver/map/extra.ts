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
import type { RestAttribute } from './layer.ts';
import { classifyKey, MASK, type Redact } from './privacy.ts';
import { cleanText, cutBytes } from './text.ts';

/** Room kept for marks and the count of what did not fit. */
const MARKS_BYTES = 256;

export class Extra {
  readonly #redact: Redact;
  #json = '';
  #bytes = 2;
  #keys = 0;
  #dropped = 0;
  #marks: string[] | null = null;

  constructor(redact: Redact) {
    this.#redact = redact;
  }

  /** Says what is odd about the record: negative_duration, ignored values, cut text. */
  mark(mark: string): void {
    if (this.#marks === null) this.#marks = [mark];
    else if (!this.#marks.includes(mark) && this.#marks.length < 12) this.#marks.push(mark);
  }

  attributes(rest: readonly RestAttribute[]): void {
    for (const { keyJson, value } of rest) {
      const json = this.#valueJson(value);
      if (json !== null) this.#add(keyJson, json);
    }
  }

  /** One of our own keys, with text that may hold anything. */
  text(key: string, text: string): void {
    this.#add(`"${key}"`, this.#textJson(text));
  }

  /** @returns JSON text of an object, or null when there is nothing to say. */
  finish(): string | null {
    let json = this.#json;
    if (this.#dropped > 0) json += `${json === '' ? '' : ','}"dropped_attributes":${this.#dropped}`;
    if (this.#marks !== null) json += `${json === '' ? '' : ','}"marks":${JSON.stringify(this.#marks)}`;
    return json === '' ? null : `{${json}}`;
  }

  #add(keyJson: string, json: string): void {
    const piece = `${this.#json === '' ? '' : ','}${keyJson}:${json}`;
    const bytes = Buffer.byteLength(piece);
    if (this.#keys >= LIMITS.extraKeys || this.#bytes + bytes > LIMITS.extraBytes - MARKS_BYTES) {
      this.#dropped++;
      return;
    }
    this.#json += piece;
    this.#bytes += bytes;
    this.#keys++;
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
        return this.#textJson(plainText(value, 0));
    }
  }

  #textJson(text: string): string {
    return JSON.stringify(cutBytes(this.#redact(cleanText(text)), LIMITS.extraValueBytes));
  }
}

/** Lists and maps as one line of text; it is cut afterwards, so it stops early. Contents and secrets inside maps go too. */
function plainText(value: Value, depth: number): string {
  if (depth > 4) return '...';
  if (value.type === VALUE_ARRAY) {
    return `[${value.value
      .slice(0, 32)
      .map((element) => plainText(element, depth + 1))
      .join(', ')}]`;
  }
  if (value.type === VALUE_KVLIST) {
    const kept = value.value.slice(0, 32).flatMap((entry) => {
      const privacy = classifyKey(entry.key);
      if (privacy === 'content') return [];
      return [`${entry.key}: ${privacy === 'secret' ? MASK : plainText(entry, depth + 1)}`];
    });
    return `{${kept.join(', ')}}`;
  }
  if (value.type === VALUE_BYTES) return `(${value.value.length} bytes)`;
  if (value.type === VALUE_STRING) return value.value.slice(0, 1024);
  return value.value === null ? '' : String(value.value);
}
