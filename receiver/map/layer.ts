/**
 * One attribute list, sorted into the fields that mapping understands, metrics, and the rest. A span is looked at through three of
 * them: its own, its scope's, its resource's.
 */

import { METRIC_PREFIX, METRIC_SUM_PREFIX } from '../../sdk/attributes.ts';
import { type Attribute, VALUE_EMPTY, VALUE_STRING, type Value } from '../decode/shape.ts';
import { LIMITS } from '../limits.ts';
import { OWN_EXTRA_KEYS } from './extra_keys.ts';
import { FIELD_COUNT, FIELD_KEYS, type FieldKey } from './fields.ts';
import type { Redact } from './privacy.ts';
import { classifyKey } from './sensitive_keys.ts';
import { cleanText, cutBytes } from './text.ts';

export interface Layer {
  fields: (Attribute | undefined)[];
  /** The first `slotCount` are the slots of `fields` that are filled. */
  slots: number[];
  slotCount: number;
  /** What goes to extra: attributes without a field of their own, contents already left out. */
  rest: Attribute[];
  /** How many of `rest` are this record's: a layer that is used again keeps its room. */
  restCount: number;
  /** What the key of each of `rest` means. */
  restKeys: KeyClass[];
  metrics: { name: string; sum: boolean; value: Value }[];
}

export interface KeyClass {
  readonly field: FieldKey | null;
  readonly metric: { name: string; sum: boolean } | null;
  /** Whether the attribute goes to extra. */
  readonly keep: boolean;
  /** The value is masked. */
  readonly secret: boolean;
  /** The key as JSON text, after privacy, with the colon. */
  readonly keyJson: string;
  /** Of keyJson in UTF-8. */
  readonly bytes: number;
}

/** What a key means, worked out once per key; bounded because senders choose keys. */
const MAX_CACHED_KEYS = 20_000;
const MAX_CACHED_KEY_CHARS = 256;

export interface Layers {
  collect(attributes: readonly Attribute[]): Layer;
  /** The same in one layer that is used again and again: it holds until the next call. */
  collectBriefly(attributes: readonly Attribute[]): Layer;
}

/**
 * @param aliases lower-case foreign key -> the `runledger.*` key that this deployment reads it as.
 */
export function createLayers(aliases: ReadonlyMap<string, string>, redact: Redact): Layers {
  const classes = new Map<string, KeyClass>();

  const classify = (key: string): KeyClass => {
    const known = classes.get(key);
    if (known !== undefined) return known;
    const found = classifyOnce(key, aliases, redact);
    if (key.length <= MAX_CACHED_KEY_CHARS) {
      if (classes.size >= MAX_CACHED_KEYS) classes.clear();
      classes.set(key, found);
    }
    return found;
  };

  /** A duplicate key: the last one counts. Empty text says nothing and is as good as absent. */
  const setField = (layer: Layer, { slot, rank }: FieldKey, value: Attribute): void => {
    if (value.type === VALUE_EMPTY || (value.type === VALUE_STRING && value.value === '')) return;
    const before = layer.fields[slot];
    if (before === undefined) layer.slots[layer.slotCount++] = slot;
    else if ((classify(before.key).field?.rank ?? 0) < rank) return;
    layer.fields[slot] = value;
  };

  const fill = (layer: Layer, attributes: readonly Attribute[]): Layer => {
    for (const attribute of attributes) {
      const key = classify(attribute.key);
      if (key.field !== null) setField(layer, key.field, attribute);
      else if (key.metric !== null) layer.metrics.push({ ...key.metric, value: attribute });
      if (key.keep) {
        layer.rest[layer.restCount] = attribute;
        layer.restKeys[layer.restCount++] = key;
      }
    }
    return layer;
  };

  const brief = emptyLayer();
  return {
    collect: (attributes) => fill(emptyLayer(), attributes),
    collectBriefly(attributes) {
      // A span fills ten of sixty fields: emptying those costs less than emptying all.
      for (let index = 0; index < brief.slotCount; index++) brief.fields[brief.slots[index] as number] = undefined;
      brief.slotCount = 0;
      brief.restCount = 0;
      if (brief.metrics.length > 0) brief.metrics = [];
      return fill(brief, attributes);
    },
  };
}

function emptyLayer(): Layer {
  const fields = new Array<undefined>(FIELD_COUNT).fill(undefined);
  return { fields, slots: [], slotCount: 0, rest: [], restCount: 0, restKeys: [], metrics: [] };
}

function classifyOnce(key: string, aliases: ReadonlyMap<string, string>, redact: Redact): KeyClass {
  const alias = aliases.get(key.toLowerCase());
  const name = alias ?? key;
  const known = FIELD_KEYS.get(name);
  // An alias stands behind every built-in name of its field.
  const field = known === undefined ? null : alias === undefined ? known : { ...known, rank: 255 };
  const metric = field === null ? metricOf(name) : null;
  const privacy = field === null && metric === null ? classifyKey(key) : 'plain';
  const shown = redact(cleanText(key));
  const keyJson = `${JSON.stringify(cutBytes(OWN_EXTRA_KEYS.has(shown) ? `attribute.${shown}` : shown, LIMITS.extraKeyBytes))}:`;
  return {
    field,
    metric,
    keep: field === null ? metric === null && privacy !== 'content' : field.keep,
    secret: privacy === 'secret',
    keyJson,
    bytes: Buffer.byteLength(keyJson),
  };
}

function metricOf(key: string): { name: string; sum: boolean } | null {
  if (key.startsWith(METRIC_PREFIX)) return { name: key.slice(METRIC_PREFIX.length), sum: false };
  if (key.startsWith(METRIC_SUM_PREFIX)) return { name: key.slice(METRIC_SUM_PREFIX.length), sum: true };
  return null;
}
