/** Which kind a span is: what it says itself, else what conventions say. */

import { KINDS, type Kind } from '../../sdk/attributes.ts';
import { type Span, VALUE_STRING } from '../decode/shape.ts';
import { FIELD } from './fields.ts';
import type { Mapping } from './mapping.ts';
import type { Snapshot } from './snapshot.ts';
import { hostOf, knownVendor, vendorOfHost } from './vendor.ts';
import type { View } from './view.ts';

export type SpanKind = Kind | 'other';

const SPAN_KIND_CLIENT = 3;
const UNKNOWN_VENDOR = 'unknown';

/** Model calls; agents, chains, workflows and tools repeat their children's usage and count nothing. */
const MODEL_OPERATIONS = new Set(['chat', 'text_completion', 'generate_content', 'embeddings']);
const OPENINFERENCE_CALLS = new Set(['LLM', 'EMBEDDING', 'RERANKER']);
const VERCEL_CALL = /^ai\.[A-Za-z]+\.do[A-Z]/;
const KNOWN_KINDS: ReadonlySet<string> = new Set(KINDS);

export function kindOf(span: Span, view: View, snapshot: Snapshot): SpanKind {
  const stated = view.ownText(FIELD.kind);
  if (stated !== null && KNOWN_KINDS.has(stated)) return stated as Kind;
  if (isModelCall(view) || (span.kind === SPAN_KIND_CLIENT && isCountedHost(view, snapshot))) return 'vendor_call';
  if (span.parentSpanId === '' && view.getOwn(FIELD.run) !== undefined) return 'run';
  if (view.getOwn(FIELD.pipelineResult) !== undefined || view.getOwn(FIELD.pipelineState) !== undefined) return 'run';
  if (view.getOwn(FIELD.taskRun) !== undefined || view.getOwn(FIELD.taskName) !== undefined) return 'stage';
  if (view.getOwn(FIELD.item) !== undefined && span.kind !== SPAN_KIND_CLIENT) return 'item';
  return 'other';
}

export function isModelCall(view: View): boolean {
  const operation = view.ownText(FIELD.genAiOperation);
  if (operation !== null) return MODEL_OPERATIONS.has(operation);
  const openInference = view.ownText(FIELD.openInferenceKind);
  if (openInference !== null) return OPENINFERENCE_CALLS.has(openInference.toUpperCase());
  const vercel = view.ownText(FIELD.vercelOperation);
  return vercel !== null && VERCEL_CALL.test(vercel);
}

function isCountedHost(view: View, snapshot: Snapshot): boolean {
  const host = hostOf(view.getOwn(FIELD.host), view.getOwn(FIELD.url));
  if (host !== null && vendorOfHost(host, snapshot)?.countHttp === true) return true;
  const peer = view.ownText(FIELD.peer);
  return peer !== null && knownVendor(peer, snapshot)?.countHttp === true;
}

/** The vendor of a call: stated, else the GenAI provider, else whom the table knows by peer or host, else the peer or host itself. */
export function vendorOfCall(view: View, { names, snapshot }: Mapping): string {
  return names.vendor(vendorText(view, snapshot) ?? '') || UNKNOWN_VENDOR;
}

function vendorText(view: View, snapshot: Snapshot): string | null {
  const named = view.text(FIELD.vendor) ?? view.ownText(FIELD.provider);
  if (named !== null) return named;
  const peer = view.ownText(FIELD.peer);
  if (peer !== null && knownVendor(peer, snapshot) !== undefined) return peer;
  const host = hostOf(view.getOwn(FIELD.host), view.getOwn(FIELD.url));
  return host !== null && (peer === null || vendorOfHost(host, snapshot) !== undefined) ? host : peer;
}

/**
 * The outer vendor of a span that was started inside a call and is a part of it: itself a call of that vendor, or HTTP. The SDK sums what
 * such spans show into the outer call, so they make no row.
 */
export function nestedIn(kind: SpanKind, view: View, mapping: Mapping): string | null {
  const within = view.getOwn(FIELD.within);
  if (within?.type !== VALUE_STRING || (kind !== 'vendor_call' && kind !== 'item')) return null;
  if (view.getOwn(FIELD.httpMethod) !== undefined || view.getOwn(FIELD.httpStatus) !== undefined) return within.value;
  return kind === 'vendor_call' && vendorOfCall(view, mapping) === mapping.names.vendor(within.value)
    ? within.value
    : null;
}
