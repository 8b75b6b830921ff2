/** Which vendor a span is about: by name (aliases), else by host. */

import { VALUE_STRING, type Value } from '../decode/shape.ts';
import { LIMITS } from '../limits.ts';
import type { Snapshot, Vendor } from './snapshot.ts';
import { cutName } from './text.ts';

const MAX_HOST_CHARS = 260;

/** The canonical name of `name`, which has gone through privacy: lower case, by the alias table (hosts too). */
export function canonicalVendor(name: string, snapshot: Snapshot): string {
  const lower = name.trim().toLowerCase();
  return knownVendor(lower, snapshot)?.name ?? cutName(lower, LIMITS.vendorChars);
}

export function knownVendor(name: string, snapshot: Snapshot): Vendor | undefined {
  const lower = name.toLowerCase();
  return (
    snapshot.vendorByAlias.get(lower) ??
    vendorOfHost(lower, snapshot) ??
    // Some SDKs append the API: openai.responses, google.generative-ai.
    snapshot.vendorByAlias.get(lower.slice(0, Math.max(0, lower.indexOf('.'))))
  );
}

/** Looks up the host and then each parent domain: eu.api.example.com, api.example.com, example.com. */
export function vendorOfHost(host: string, snapshot: Snapshot): Vendor | undefined {
  let rest = host;
  for (let labels = 0; labels < 8; labels++) {
    const found = snapshot.vendorByHost.get(rest);
    if (found !== undefined) return found;
    const dot = rest.indexOf('.');
    if (dot < 0) return undefined;
    rest = rest.slice(dot + 1);
  }
  return undefined;
}

/** The host of an HTTP span: server.address or its kin, else the URL's. Lower case, without a port or the root's dot. */
export function hostOf(host: Value | undefined, url: Value | undefined): string | null {
  const text = host?.type === VALUE_STRING ? host.value : url?.type === VALUE_STRING ? hostOfUrl(url.value) : null;
  if (text === null || text.length > MAX_HOST_CHARS) return null;
  // An IPv6 address has more than one colon and no port without brackets.
  const bare = text.indexOf(':') === text.lastIndexOf(':') ? text.replace(/:\d{1,5}$/, '') : text;
  return bare.replace(/\.$/, '').toLowerCase() || null;
}

function hostOfUrl(url: string): string | null {
  return /^[a-z][a-z0-9+.-]{0,32}:\/\/(?:[^/?#@]{0,256}@)?([^/?#:]{1,253})/i.exec(url)?.[1] ?? null;
}
