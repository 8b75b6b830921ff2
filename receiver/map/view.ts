/** A record seen through its three attribute lists: its own value wins over its scope's, that over its resource's. */

import { VALUE_STRING, type Value } from '../decode/shape.ts';
import { FIELD } from './fields.ts';
import type { Layer } from './layer.ts';
import { asBoolean, asCount } from './number.ts';
import { cleanText } from './text.ts';

export class View {
  readonly own: Layer;
  readonly scope: Layer;
  readonly resource: Layer;

  constructor(own: Layer, scope: Layer, resource: Layer) {
    this.own = own;
    this.scope = scope;
    this.resource = resource;
  }

  get(field: keyof typeof FIELD): Value | undefined {
    const slot = FIELD[field];
    return this.own.fields[slot] ?? this.scope.fields[slot] ?? this.resource.fields[slot];
  }

  /** The record's own value, for rules that ask what the span itself says. */
  getOwn(field: keyof typeof FIELD): Value | undefined {
    return this.own.fields[FIELD[field]];
  }

  text(field: keyof typeof FIELD): string | null {
    const value = this.get(field);
    return value?.type === VALUE_STRING ? cleanText(value.value) : null;
  }

  /** Of the record itself: text, or a number as text; codes come as both. */
  ownCode(field: keyof typeof FIELD): string | null {
    const value = this.getOwn(field);
    if (value === undefined) return null;
    if (value.type === VALUE_STRING) return cleanText(value.value);
    return typeof value.value === 'number' || typeof value.value === 'bigint' ? value.value.toString() : null;
  }

  /** A count that this record states itself; undefined when absent, null when it is no count. */
  ownCount(field: keyof typeof FIELD): number | null | undefined {
    const value = this.getOwn(field);
    return value === undefined ? undefined : asCount(value);
  }

  ownBoolean(field: keyof typeof FIELD): boolean {
    const value = this.getOwn(field);
    return value !== undefined && asBoolean(value) === true;
  }
}
