/** A record seen through its three attribute lists: its own value wins over its scope's, that over its resource's. */

import { type Attribute, VALUE_STRING } from '../decode/shape.ts';
import type { Layer } from './layer.ts';
import { asBoolean, asCount } from './number.ts';
import { cleanText } from './text.ts';

/** Fields are asked for by their slot (FIELD.run), which the compiler knows; a span is asked some thirty times. */
export class View {
  readonly own: Layer;
  readonly scope: Layer;
  readonly resource: Layer;

  constructor(own: Layer, scope: Layer, resource: Layer) {
    this.own = own;
    this.scope = scope;
    this.resource = resource;
  }

  get(slot: number): Attribute | undefined {
    return this.own.fields[slot] ?? this.scope.fields[slot] ?? this.resource.fields[slot];
  }

  /** The record's own value, for rules that ask what the span itself says. */
  getOwn(slot: number): Attribute | undefined {
    return this.own.fields[slot];
  }

  text(slot: number): string | null {
    const value = this.get(slot);
    return value?.type === VALUE_STRING ? cleanText(value.value) : null;
  }

  ownText(slot: number): string | null {
    const value = this.own.fields[slot];
    return value?.type === VALUE_STRING ? cleanText(value.value) : null;
  }

  /** Of the record itself: text, or a number as text; codes come as both. */
  ownCode(slot: number): string | null {
    const value = this.own.fields[slot];
    if (value === undefined) return null;
    if (value.type === VALUE_STRING) return cleanText(value.value);
    return typeof value.value === 'number' || typeof value.value === 'bigint' ? value.value.toString() : null;
  }

  /** A count that this record states itself; undefined when absent, null when it is no count. */
  ownCount(slot: number): number | null | undefined {
    const value = this.own.fields[slot];
    return value === undefined ? undefined : asCount(value);
  }

  ownBoolean(slot: number): boolean {
    const value = this.own.fields[slot];
    return value !== undefined && asBoolean(value) === true;
  }
}
