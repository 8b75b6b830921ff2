/**
 * The span processor: stamps tenant, run and stage on every span that starts inside a run, whoever starts it, marks spans inside a vendor
 * call, sums into that call what they show as they end, and counts rows that other instrumentation makes. It exports nothing.
 */

import { type Attributes, type Context, type Span, SpanKind } from '@opentelemetry/api';
import type { tracing } from '@opentelemetry/sdk-node';
import { ATTR } from './attributes.ts';
import { type Frame, frameOf } from './context.ts';
import { saysQuota } from './errors.ts';
import { noteInternalError } from './health.ts';
import { foreignKind, isModelCall, numberOf, sameVendor, textOf } from './other_spans.ts';
import { TRACER_NAME } from './run.ts';
import { innerSums, type VendorCallSpan } from './vendor.ts';

class StampingProcessor implements tracing.SpanProcessor {
  /** The place where each span of other code started; forgotten with the span. */
  readonly #places = new WeakMap<object, Frame>();

  onStart(span: tracing.Span, parentContext: Context): void {
    try {
      if (span.instrumentationScope.name === TRACER_NAME) return;
      const frame = frameOf(parentContext);
      if (frame === undefined || frame.run.silent) return;
      stamp(span, span.attributes, span.kind, frame);
      this.#places.set(span, frame);
    } catch (error) {
      noteInternalError(error);
    }
  }

  /** The receiver decides by its own table of names; a part of a call says so itself, so that both count alike. */
  onEnding(span: tracing.Span): void {
    const call = this.#places.get(span)?.call;
    if (call === undefined || call === null) return;
    try {
      if (isModelCall(span.attributes) && isCallOf(call, span.attributes)) span.setAttribute(ATTR.vendor, call.vendor);
    } catch (error) {
      noteInternalError(error);
    }
  }

  onEnd(span: tracing.ReadableSpan): void {
    const frame = this.#places.get(span);
    if (frame === undefined) return;
    try {
      countRow(span, frame);
      if (frame.call !== null && !frame.call.ended) sumInto(frame.call, span);
    } catch (error) {
      noteInternalError(error);
    }
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/**
 * The processor to add to a provider that the application registers itself. With `setup()` it is there already.
 *
 * @example
 * new NodeSDK({ sampler: runledgerSampler(), spanProcessors: [runledgerSpanProcessor(), new BatchSpanProcessor(exporter)] });
 */
export function runledgerSpanProcessor(): tracing.SpanProcessor {
  return new StampingProcessor();
}

/** What the span says itself stays. */
function stamp(span: Span, has: Attributes, kind: SpanKind, frame: Frame): void {
  const { run, stage, item, call } = frame;
  if (has[ATTR.tenantId] === undefined) span.setAttribute(ATTR.tenantId, run.tenant);
  if (has[ATTR.runId] === undefined) span.setAttribute(ATTR.runId, run.id);
  if (stage !== null && has[ATTR.stage] === undefined) span.setAttribute(ATTR.stage, stage.name);
  if (call !== null) span.setAttribute(ATTR.within, call.vendor);
  // Only calls get the item: another span that names an item would be counted as an item itself.
  if (item !== null && has[ATTR.itemId] === undefined && (kind === SpanKind.CLIENT || isModelCall(has))) {
    span.setAttribute(ATTR.itemId, item.id);
  }
}

/** Spans of other code that the ledger makes a row of belong to the run's statement of what was sent. */
function countRow(span: tracing.ReadableSpan, { run, call }: Frame): void {
  const kind = foreignKind(span.attributes, span.kind);
  if (kind === null || span.attributes[ATTR.runId] !== run.id || run.ended) return;
  if (kind === 'stage') run.sent.stages++;
  else if (kind === 'item') run.sent.items++;
  else if (call === null || !isCallOf(call, span.attributes)) run.sent.vendorCalls++;
}

function sumInto(call: VendorCallSpan, span: tracing.ReadableSpan): void {
  const { attributes } = span;
  const sums = innerSums(call);
  const status = numberOf(attributes, 'http.response.status_code', 'http.status_code');
  if (span.kind === SpanKind.CLIENT && status === 429) sums.httpRateLimits++;
  if (status === 402 || statesQuota(span)) sums.quotaExhausted = true;
  const { spanId } = span.spanContext();
  const parentId = span.parentSpanContext?.spanId;
  const countedBelow = sums.countedAbove.has(spanId);
  const counts = isModelCall(attributes) && !countedBelow && isCallOf(call, attributes);
  if (counts) sumModel(call, attributes);
  if ((counts || countedBelow) && parentId !== undefined) sums.countedAbove.add(parentId);
}

function sumModel(call: VendorCallSpan, attributes: Attributes): void {
  const sums = innerSums(call);
  sums.tokensInput += numberOf(attributes, ...TOKENS_INPUT) ?? 0;
  sums.tokensOutput += numberOf(attributes, ...TOKENS_OUTPUT) ?? 0;
  sums.model =
    textOf(attributes, 'gen_ai.response.model', 'gen_ai.request.model', 'llm.model_name', 'ai.model.id') ?? sums.model;
  const errorType = textOf(attributes, 'error.type');
  if (errorType === '429' || errorType === 'RateLimitError') sums.modelRateLimits++;
}

const TOKENS_INPUT = [
  ATTR.tokensInput,
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.prompt_tokens',
  'llm.token_count.prompt',
  'ai.usage.inputTokens',
  'ai.usage.promptTokens',
];
const TOKENS_OUTPUT = [
  ATTR.tokensOutput,
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.completion_tokens',
  'llm.token_count.completion',
  'ai.usage.outputTokens',
  'ai.usage.completionTokens',
];

/** True when a span inside `call` is a part of it: a model span of the same vendor, or any where the call is a model call itself. */
function isCallOf(call: VendorCallSpan, attributes: Attributes): boolean {
  const vendor = textOf(
    attributes,
    ATTR.vendor,
    'gen_ai.provider.name',
    'gen_ai.system',
    'llm.provider',
    'llm.system',
    'ai.model.provider',
  );
  return vendor === undefined || call.asksModel || sameVendor(call.vendor, vendor);
}

function statesQuota(span: tracing.ReadableSpan): boolean {
  if (saysQuota(textOf(span.attributes, 'error.type', ATTR.errorCode, 'error.code')) || saysQuota(span.status.message))
    return true;
  return span.events.some(
    (event) => saysQuota(event.attributes?.['exception.type']) || saysQuota(event.attributes?.['exception.message']),
  );
}
