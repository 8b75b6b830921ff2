/**
 * A vendor call: one use of an outside service. It sums what spans inside it show (tries that were rate limited, quota, tokens), so that
 * one call with three HTTP tries is one call with two hits, and states the sums when it ends.
 */

import { type Attributes, type Context, SpanKind } from '@opentelemetry/api';
import { ATTR } from './attributes.ts';
import type { Frame } from './context.ts';
import { httpStatus, saysQuota } from './errors.ts';
import type { Usage, VendorCall, VendorCallOptions } from './handles.ts';
import { logEnd } from './logs.ts';
import { OpenSpan, runInside } from './open_span.ts';

/** What ended spans inside a call have shown so far. */
export interface InnerSums {
  /** HTTP tries answered with 429. */
  httpRateLimits: number;
  /** Model spans that failed with 429, for libraries whose HTTP requests are not traced. */
  modelRateLimits: number;
  quotaExhausted: boolean;
  tokensInput: number;
  tokensOutput: number;
  units: number;
  costUsd: number;
  statesCost: boolean;
  model: string | null;
  /** Spans one of whose descendants was already counted: a model span around it states the same usage again. */
  countedAbove: Set<string>;
}

type Counts = 'calls' | 'errors' | 'tokensInput' | 'tokensOutput' | 'units' | 'rateLimitHits';
const COUNT_ATTRIBUTES: readonly [Counts, string][] = [
  ['calls', ATTR.calls],
  ['errors', ATTR.errors],
  ['tokensInput', ATTR.tokensInput],
  ['tokensOutput', ATTR.tokensOutput],
  ['units', ATTR.units],
  ['rateLimitHits', ATTR.rateLimitHits],
];

export class VendorCallSpan extends OpenSpan implements VendorCall {
  readonly frame: Frame;
  readonly vendor: string;
  /** The call that this one is a part of: of the same vendor, so the receiver makes no row of it. */
  readonly outer: VendorCallSpan | null;
  /** A model was named: model spans inside are how this call is made, whatever they call their provider. */
  readonly asksModel: boolean;
  inner: InnerSums | null = null;
  #usage: Usage | null = null;
  #hits = 0;
  #lastError: unknown = null;

  constructor(place: Frame, parent: Context, vendor: string, options: VendorCallOptions) {
    const name = vendorName(vendor);
    super(
      place.run.tracer,
      {
        name: options.operation === undefined ? name : `${name} ${options.operation}`,
        kind: SpanKind.CLIENT,
        attributes: startAttributes(place, name, options),
        parent,
        at: place.run.clock?.now(),
      },
      place.run.silent,
    );
    this.vendor = name;
    this.asksModel = options.model !== undefined;
    this.outer = place.call?.vendor === name ? place.call : null;
    this.frame = { run: place.run, stage: place.stage, item: place.item, call: this };
    place.run.open.add(this);
  }

  usage(usage: Usage): void {
    this.#usage = this.#usage === null ? { ...usage } : { ...this.#usage, ...usage };
  }

  rateLimited(): void {
    this.#hits++;
  }

  quotaExhausted(): void {
    this.usage({ quotaExhausted: true });
  }

  override fail(error: unknown): void {
    super.fail(error);
    this.#lastError = error;
  }

  vendorCall<T>(vendor: string, ...rest: VendorCallArguments<T>): T {
    return callVendor(this.frame, this.context, vendor, rest);
  }

  beginVendorCall(vendor: string, options: VendorCallOptions = {}): VendorCall {
    return new VendorCallSpan(this.frame, this.context, vendor, options);
  }

  bumpVendor(vendor: string, usage: Usage = {}): void {
    bump(this.frame, this.context, vendor, usage);
  }

  protected onEnd(): void {
    const { run } = this.frame;
    run.open.delete(this);
    const total = this.#total();
    for (const [field, attribute] of COUNT_ATTRIBUTES) {
      const value = total[field];
      if (isCount(value)) this.span.setAttribute(attribute, Math.round(value));
    }
    if (typeof total.costUsd === 'number') this.span.setAttribute(ATTR.costUsd, total.costUsd);
    if (total.quotaExhausted === true) this.span.setAttribute(ATTR.quotaExhausted, true);
    if (total.model !== undefined) this.span.setAttribute('gen_ai.response.model', total.model);
    if (this.outer !== null) addInnerCall(this.outer, total);
    else if (this.recorded) run.sent.vendorCalls++;
    else run.sent.dropped++;
    logEnd('obs.vendor', this, this.failure === null ? 'ok' : 'error', {
      event: 'vendor_call',
      vendor: this.vendor,
      costUsd: total.costUsd,
      tokensInput: total.tokensInput,
      tokensOutput: total.tokensOutput,
    });
  }

  /** What was stated, completed by what inner spans and the error showed. */
  #total(): Usage {
    const stated = this.#usage ?? {};
    const inner = this.inner;
    const failedStatus = httpStatus(this.#lastError);
    const hits = Math.max(stated.rateLimitHits ?? this.#hits, inner?.httpRateLimits ?? 0, inner?.modelRateLimits ?? 0);
    const total: Usage = { ...stated };
    if (hits > 0) total.rateLimitHits = hits;
    else if (failedStatus === 429) total.rateLimitHits = 1;
    if (inner?.quotaExhausted || failedStatus === 402 || saysQuota(this.failure?.code)) total.quotaExhausted = true;
    if (inner === null) return total;
    if (inner.tokensInput > 0) total.tokensInput ??= inner.tokensInput;
    if (inner.tokensOutput > 0) total.tokensOutput ??= inner.tokensOutput;
    if (inner.units > 0) total.units ??= inner.units;
    if (inner.statesCost) total.costUsd ??= inner.costUsd;
    if (inner.model !== null) total.model ??= inner.model;
    return total;
  }
}

/** The sums of spans inside `call`, made when the first one has something to add. */
export function innerSums(call: VendorCallSpan): InnerSums {
  call.inner ??= {
    httpRateLimits: 0,
    modelRateLimits: 0,
    quotaExhausted: false,
    tokensInput: 0,
    tokensOutput: 0,
    units: 0,
    costUsd: 0,
    statesCost: false,
    model: null,
    countedAbove: new Set(),
  };
  return call.inner;
}

function addInnerCall(outer: VendorCallSpan, usage: Usage): void {
  const sums = innerSums(outer);
  sums.httpRateLimits += usage.rateLimitHits ?? 0;
  sums.quotaExhausted ||= usage.quotaExhausted === true;
  sums.tokensInput += usage.tokensInput ?? 0;
  sums.tokensOutput += usage.tokensOutput ?? 0;
  sums.units += usage.units ?? 0;
  if (usage.costUsd !== undefined) {
    sums.costUsd += usage.costUsd;
    sums.statesCost = true;
  }
  sums.model = usage.model ?? sums.model;
}

export type VendorCallArguments<T> =
  | [work: (call: VendorCall) => T]
  | [options: VendorCallOptions, work: (call: VendorCall) => T];

export function callVendor<T>(place: Frame, parent: Context, vendor: string, rest: VendorCallArguments<T>): T {
  const [options, work] = rest.length === 1 ? [{}, rest[0]] : rest;
  return runInside(new VendorCallSpan(place, parent, vendor, options), work);
}

/** Usage that has already happened, as a call that ends at once. */
export function bump(place: Frame, parent: Context, vendor: string, usage: Usage): void {
  const call = new VendorCallSpan(place, parent, vendor, usage.model === undefined ? {} : { model: usage.model });
  call.usage(usage);
  call.end();
}

function startAttributes(place: Frame, vendor: string, options: VendorCallOptions): Attributes {
  const { run, stage, item, call } = place;
  const attributes: Attributes = {
    [ATTR.kind]: 'vendor_call',
    [ATTR.tenantId]: run.tenant,
    [ATTR.runId]: run.id,
    [ATTR.vendor]: vendor,
  };
  if (stage !== null) attributes[ATTR.stage] = stage.name;
  if (item !== null) attributes[ATTR.itemId] = item.id;
  if (call !== null) attributes[ATTR.within] = call.vendor;
  if (options.model !== undefined) {
    attributes['gen_ai.provider.name'] = vendor;
    attributes['gen_ai.request.model'] = options.model;
    if (options.operation !== undefined) attributes['gen_ai.operation.name'] = options.operation;
  }
  return attributes;
}

/** The receiver compares vendors in lower case; ours must be equal before they get there. */
function vendorName(vendor: string): string {
  return String(vendor).trim().toLowerCase() || 'unknown';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
