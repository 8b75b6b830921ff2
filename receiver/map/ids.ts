/** Tenants, runs and items: how a span names them and what the name stands for (docs/concepts.md, "Names and ids"). */

import { createHash } from 'node:crypto';
import { VALUE_DOUBLE, VALUE_INT, VALUE_STRING, type Value } from '../decode/shape.ts';
import { LIMITS } from '../limits.ts';
import { remember } from './names.ts';
import type { Redact } from './privacy.ts';
import type { RunName } from './row.ts';
import type { Snapshot } from './snapshot.ts';
import { cleanText, cutBytes, cutChars } from './text.ts';

/** Decimal ids end here; ids made from text (run keys, item texts) begin here. */
export const MADE_IDS_FROM = 2 ** 52;
const MAX_TENANT_ID = 2 ** 30 - 1;

const RUN_ID = /^[1-9][0-9]{0,15}$/;
const ITEM_ID = /^(0|[1-9][0-9]{0,15})$/;
const TENANT_ID = /^[1-9][0-9]{0,9}$/;
const TENANT_NAME = /^[a-z][a-z0-9._-]{0,63}$/;

/** The text of an id attribute: string, int and integral double are the same id. Null when it can be no id. */
export function idText(value: Value): string | null {
  switch (value.type) {
    case VALUE_STRING:
      return cleanText(value.value);
    case VALUE_INT:
      return value.value.toString();
    case VALUE_DOUBLE:
      return Number.isSafeInteger(value.value) ? value.value.toString() : null;
    default:
      return null;
  }
}

/** `unknown` carries the name for registration where the installation makes tenants by itself. */
export type TenantLookup = { id: number } | { unknown: string } | 'invalid';

export function lookUpTenant(value: Value, snapshot: Snapshot): TenantLookup {
  const text = idText(value);
  if (text === null) return 'invalid';
  if (TENANT_ID.test(text)) {
    const id = Number(text);
    if (id > MAX_TENANT_ID) return 'invalid';
    return snapshot.activeTenantIds.has(id) || snapshot.disabledTenantIds.has(id) ? { id } : { unknown: text };
  }
  const id = snapshot.tenantIdByName.get(text);
  if (id !== undefined) return { id };
  return TENANT_NAME.test(text) ? { unknown: text } : 'invalid';
}

/** `invalid` for a value that can name no run (empty was absent already). */
export type RunNames = (value: Value) => Exclude<RunName, null> | 'invalid';

/** @param redactIdentity what a run key must not store is replaced, the same way for every span, so the key still names one run. */
export function createRunNames(redactIdentity: Redact): RunNames {
  const nameText = remember((text) => nameRun(text, redactIdentity));
  return (value) => {
    const text = idText(value);
    return text === null ? 'invalid' : nameText(text);
  };
}

function nameRun(text: string, redactIdentity: Redact): Exclude<RunName, null> | 'invalid' {
  if (RUN_ID.test(text)) {
    const id = Number(text);
    if (id < MADE_IDS_FROM) return { id };
  }
  if (text.length > LIMITS.runKeyChars && cutChars(text, LIMITS.runKeyChars) !== text) return 'invalid';
  return { key: redactIdentity(text) };
}

export interface Item {
  id: number;
  /** The text that the id was made from, after privacy; null for an integer. */
  text: string | null;
}

export function nameItem(value: Value, tenantId: number, redactIdentity: Redact): Item | null {
  if (value.type === VALUE_INT && typeof value.value === 'number' && value.value >= 0 && value.value < MADE_IDS_FROM) {
    return { id: value.value, text: null };
  }
  const raw = idText(value);
  if (raw === null) return null;
  if (ITEM_ID.test(raw)) {
    const id = Number(raw);
    if (id < MADE_IDS_FROM) return { id, text: null };
  }
  const text = shortItemText(redactIdentity(raw));
  return { id: hashItem(tenantId, text), text };
}

/** Short enough to be kept whole beside the id that is made from it; long texts that differ stay different by their hash. */
function shortItemText(text: string): string {
  if (text.length <= LIMITS.itemTextChars && Buffer.byteLength(text) <= LIMITS.extraValueBytes) return text;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return `${cutBytes(cutChars(text, LIMITS.itemTextChars - 17), LIMITS.extraValueBytes - 17)}~${hash}`;
}

/** 2^52 + the first 52 bits of SHA-256 over the tenant and the text. */
export function hashItem(tenantId: number, text: string): number {
  const digest = createHash('sha256').update(`${tenantId}:${text}`).digest();
  return MADE_IDS_FROM + digest.readUInt32BE(0) * 2 ** 20 + (digest.readUIntBE(4, 3) >>> 4);
}
