/** Which vendor a span is about: by name (aliases), else by host. */

import { VALUE_STRING, type Value } from '../decode/shape.ts';
import { LIMITS } from '../limits.ts';
import type { Snapshot, Vendor } from './snapshot.ts';
import { cleanText, cutName } from './text.ts';

/** The canonical vendor name of `name`: lower case, through the alias table (hosts too). */
export function canonicalVendor(name: string, snapshot: Snapshot): string {
  const lower = cleanText(name.trim().toLowerCase());
  const known =
    snapshot.vendorByAlias.get(lower) ??
    vendorOfHost(lower, snapshot) ??
    // Some SDKs append the API: openai.responses, google.generative-ai.
    snapshot.vendorByAlias.get(lower.slice(0, Math.max(0, lower.indexOf('.'))));
  return known?.name ?? cutName(lower, LIMITS.vendorChars);
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

/** The host of an HTTP span: server.address or its kin, else the URL's. Lower case, without a port. */
export function hostOf(host: Value | undefined, url: Value | undefined): string | null {
  if (host?.type === VALUE_STRING) return host.value.toLowerCase().replace(/:\d+$/, '');
  if (url?.type === VALUE_STRING) {
    const match = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#:]+)/i.exec(url.value);
    return match?.[1]?.toLowerCase() ?? null;
  }
  return null;
}
