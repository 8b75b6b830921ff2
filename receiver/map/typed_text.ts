/** An attribute value as text that differs wherever two values differ: an int 5 and a text "5", ["a,b"] and ["a", "b"]. */

import { VALUE_ARRAY, VALUE_BYTES, VALUE_KVLIST, VALUE_STRING, type Value } from '../decode/shape.ts';

/** @param change what is done to each text, privacy for example. */
export function typedText(value: Value, change: (text: string) => string = (text) => text): string {
  if (value.type === VALUE_STRING) return measured('s', change(value.value));
  if (value.type === VALUE_BYTES) return measured('b', Buffer.from(value.value).toString('base64'));
  if (value.type === VALUE_ARRAY)
    return measured('a', value.value.map((element) => typedText(element, change)).join(''));
  if (value.type === VALUE_KVLIST) return measured('m', entriesText(value.value, change));
  return measured(String(value.type), String(value.value));
}

/** Keys and values in an order that does not depend on the sender's. */
export function entriesText(entries: readonly ({ key: string } & Value)[], change: (text: string) => string): string {
  return entries
    .map((entry) => measured('k', change(entry.key)) + typedText(entry, change))
    .sort()
    .join('');
}

export function measured(tag: string, text: string): string {
  return `${tag}${text.length}:${text}`;
}
