/** Which kind a span is: what it says itself, else what conventions say. */

import { KINDS, type Kind } from '../../sdk/attributes.ts';
import { type Span, VALUE_STRING } from '../decode/shape.ts';
import type { Snapshot } from './snapshot.ts';
import { canonicalVendor, hostOf, vendorOfHost } from './vendor.ts';
import type { View } from './view.ts';

export type SpanKind = Kind | 'other';

const SPAN_KIND_CLIENT = 3;

/** Model calls; agents, chains, workflows and tools repeat their children's usage and count nothing. */
const MODEL_OPERATIONS = new Set(['chat', 'text_completion', 'generate_content', 'embeddings']);
const OPENINFERENCE_CALLS = new Set(['LLM', 'EMBEDDING', 'RERANKER']);
const VERCEL_CALL = /^ai\.[A-Za-z]+\.do[A-Z]/;
const KNOWN_KINDS: ReadonlySet<string> = new Set(KINDS);

export function kindOf(span: Span, view: View, snapshot: Snapshot): SpanKind {
  const stated = ownText(view, 'kind');
  if (stated !== null && KNOWN_KINDS.has(stated)) return stated as Kind;
  if (isModelCall(view) || (span.kind === SPAN_KIND_CLIENT && isCountedHost(view, snapshot))) return 'vendor_call';
  const task = view.getOwn('taskRun') !== undefined || view.getOwn('taskName') !== undefined;
  if (span.parentSpanId === '' && view.getOwn('run') !== undefined && !task) return 'run';
  if (task) return 'stage';
  if (view.getOwn('pipelineResult') !== undefined || view.getOwn('pipelineState') !== undefined) return 'run';
  if (view.getOwn('item') !== undefined && span.kind !== SPAN_KIND_CLIENT) return 'item';
  return 'other';
}

export function isModelCall(view: View): boolean {
  const operation = ownText(view, 'genAiOperation');
  if (operation !== null) return MODEL_OPERATIONS.has(operation);
  const openInference = ownText(view, 'openInferenceKind');
  if (openInference !== null) return OPENINFERENCE_CALLS.has(openInference.toUpperCase());
  const vercel = ownText(view, 'vercelOperation');
  return vercel !== null && VERCEL_CALL.test(vercel);
}

function isCountedHost(view: View, snapshot: Snapshot): boolean {
  const host = hostOf(view.getOwn('host'), view.getOwn('url'));
  if (host !== null && vendorOfHost(host, snapshot)?.countHttp === true) return true;
  const peer = ownText(view, 'peer');
  return peer !== null && snapshot.vendorByAlias.get(peer.toLowerCase())?.countHttp === true;
}

/** The vendor of a call: stated, else the GenAI provider, else the peer, else the host; null when nothing names one. */
export function vendorOfCall(view: View, snapshot: Snapshot): string | null {
  const named = view.text('vendor') ?? ownText(view, 'provider') ?? ownText(view, 'peer');
  const name = named ?? hostOf(view.getOwn('host'), view.getOwn('url'));
  return name === null ? null : canonicalVendor(name, snapshot);
}

function ownText(view: View, field: Parameters<View['getOwn']>[0]): string | null {
  const value = view.getOwn(field);
  return value?.type === VALUE_STRING ? value.value : null;
}
