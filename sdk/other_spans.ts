/** Reads spans that other instrumentation made: which of them are model calls, which of them the ledger makes a row of, whose they are. */

import { type Attributes, SpanKind } from '@opentelemetry/api';
import { ATTR } from './attributes.ts';

/** Agents, chains, workflows and tools repeat their children's usage and are not calls. */
const MODEL_OPERATIONS = new Set(['chat', 'text_completion', 'generate_content', 'embeddings']);
const OPENINFERENCE_CALLS = new Set(['LLM', 'EMBEDDING', 'RERANKER']);
const VERCEL_CALL = /^ai\.[A-Za-z]+\.do[A-Z]/;

/** True for a call of a language model, by the conventions of OpenTelemetry, OpenInference or the Vercel AI SDK. */
export function isModelCall(attributes: Attributes): boolean {
  const operation = textOf(attributes, 'gen_ai.operation.name');
  if (operation !== undefined) return MODEL_OPERATIONS.has(operation);
  const openInference = textOf(attributes, 'openinference.span.kind');
  if (openInference !== undefined) return OPENINFERENCE_CALLS.has(openInference.toUpperCase());
  return VERCEL_CALL.test(textOf(attributes, 'ai.operationId') ?? '');
}

/** The kind of row that a span of other code makes, as far as its attributes tell; null for none. */
export function foreignKind(attributes: Attributes, spanKind: SpanKind): 'stage' | 'item' | 'vendor_call' | null {
  const stated = attributes[ATTR.kind];
  if (stated === 'stage' || stated === 'item' || stated === 'vendor_call') return stated;
  if (stated !== undefined) return null;
  if (isModelCall(attributes)) return 'vendor_call';
  if (spanKind === SpanKind.CLIENT) return null;
  return attributes[ATTR.itemId] !== undefined || attributes['company.id'] !== undefined ? 'item' : null;
}

/** True when two names mean one vendor: `openai` and `azure.ai.openai`, `gemini` and `gcp.vertex_ai`. */
export function sameVendor(a: string, b: string): boolean {
  const left = plain(a);
  const right = plain(b);
  return left !== '' && right !== '' && (left.includes(right) || right.includes(left));
}

/** Without punctuation, and one name for vendors whose products go by several. */
function plain(name: string): string {
  const letters = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  if (/google|gemini|vertex/.test(letters)) return 'google';
  return letters === 'grok' ? 'xai' : letters;
}

/** The first of `names` that holds text. */
export function textOf(attributes: Attributes, ...names: string[]): string | undefined {
  for (const name of names) {
    const value = attributes[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

/** The first of `names` that holds a finite number, or text that is one. */
export function numberOf(attributes: Attributes, ...names: string[]): number | undefined {
  for (const name of names) {
    const value = attributes[name];
    if (value === undefined || value === '' || typeof value === 'boolean') continue;
    const number = Number(value);
    if (Number.isFinite(number)) return number;
  }
  return undefined;
}
