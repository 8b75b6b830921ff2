/**
 * One attribute list, sorted into the fields that mapping understands, metrics, and the rest. A span is looked at through three of
 * them: its own, its scope's, its resource's.
 */

import { METRIC_PREFIX, METRIC_SUM_PREFIX } from '../../sdk/attributes.ts';
import { type Attribute, VALUE_EMPTY, VALUE_STRING, type Value } from '../decode/shape.ts';
import { LIMITS } from '../limits.ts';
import { FIELD_COUNT, FIELD_KEYS, type FieldKey } from './fields.ts';
import { classifyKey, MASK, type Redact } from './privacy.ts';
import { cleanText, cutBytes } from './text.ts';

export interface Layer {
  fields: (Value | undefined)[];
  ranks: Uint8Array;
  /** What goes to extra: attributes without a field of their own, contents already left out, secrets already masked. */
  rest: RestAttribute[];
  metrics: { name: string; sum: boolean; value: Value }[];
}

export interface RestAttribute {
  /** The key as JSON text, after privacy. */
  keyJson: string;
  value: Value;
}

interface KeyClass {
  field: FieldKey | null;
  metric: { name: string; sum: boolean } | null;
  /** Whether the attribute goes to extra. */
  keep: boolean;
  secret: boolean;
  keyJson: string;
}

/** What a key means, worked out once per key; bounded because senders choose keys. */
const MAX_CACHED_KEYS = 20_000;
const MASKED: Value = { type: VALUE_STRING, value: MASK };

export interface Layers {
  collect(attributes: readonly Attribute[]): Layer;
}

/**
 * @param aliases lower-case foreign key -> the `runledger.*` key that this deployment reads it as.
 */
export function createLayers(aliases: ReadonlyMap<string, string>, redact: Redact): Layers {
  const classes = new Map<string, KeyClass>();

  const classify = (key: string): KeyClass => {
    const known = classes.get(key);
    if (known !== undefined) return known;
    if (classes.size >= MAX_CACHED_KEYS) classes.clear();
    const found = classifyOnce(key, aliases, redact);
    classes.set(key, found);
    return found;
  };

  return {
    collect(attributes) {
      const layer: Layer = {
        fields: new Array(FIELD_COUNT),
        ranks: new Uint8Array(FIELD_COUNT),
        rest: [],
        metrics: [],
      };
      for (const attribute of attributes) {
        const found = classify(attribute.key);
        if (found.field !== null) setField(layer, found.field, attribute);
        else if (found.metric !== null) layer.metrics.push({ ...found.metric, value: attribute });
        if (found.keep) layer.rest.push({ keyJson: found.keyJson, value: found.secret ? MASKED : attribute });
      }
      return layer;
    },
  };
}

function classifyOnce(key: string, aliases: ReadonlyMap<string, string>, redact: Redact): KeyClass {
  const alias = aliases.get(key.toLowerCase());
  const name = alias ?? key;
  const known = FIELD_KEYS.get(name);
  // An alias stands behind every built-in name of its field.
  const field = known === undefined ? null : alias === undefined ? known : { ...known, rank: 255 };
  const metric = field === null ? metricOf(name) : null;
  const privacy = field === null && metric === null ? classifyKey(key) : 'plain';
  return {
    field,
    metric,
    keep: field === null ? metric === null && privacy !== 'content' : field.keep,
    secret: privacy === 'secret',
    keyJson: JSON.stringify(cutBytes(redact(cleanText(key)), LIMITS.extraKeyBytes)),
  };
}

function metricOf(key: string): { name: string; sum: boolean } | null {
  if (key.startsWith(METRIC_PREFIX)) return { name: key.slice(METRIC_PREFIX.length), sum: false };
  if (key.startsWith(METRIC_SUM_PREFIX)) return { name: key.slice(METRIC_SUM_PREFIX.length), sum: true };
  return null;
}

/** A duplicate key: the last one counts. Empty text says nothing and is as good as absent. */
function setField(layer: Layer, { slot, rank }: FieldKey, value: Value): void {
  if (value.type === VALUE_EMPTY || (value.type === VALUE_STRING && value.value === '')) return;
  const before = layer.fields[slot];
  if (before !== undefined && (layer.ranks[slot] ?? 0) < rank) return;
  layer.fields[slot] = value;
  layer.ranks[slot] = rank;
}
