/** The helpers that find the current run, stage or item by OpenTelemetry's context, for code that holds no handle. */

import { type Context, context } from '@opentelemetry/api';
import { currentFrame, type Frame } from './context.ts';
import type {
  EventOptions,
  Id,
  Item,
  ItemOptions,
  Run,
  Stage,
  StageOptions,
  Usage,
  VendorCall,
  VendorCallOptions,
} from './handles.ts';
import { doItem, type ItemArguments, ItemSpan } from './item.ts';
import { frameOrWarn, type OpenSpan } from './open_span.ts';
import { outsideEveryRun } from './run.ts';
import { doStage, type StageArguments, StageSpan } from './stage.ts';
import { bump, callVendor, type VendorCallArguments, VendorCallSpan } from './vendor.ts';

/**
 * Does `work` as a stage of the current run.
 *
 * @example
 * await stage('mv_refresh', () => db.query('refresh materialized view concurrently candidates'));
 */
export function stage<T>(name: string, work: (stage: Stage) => Promise<T>): Promise<T>;
export function stage<T>(name: string, work: (stage: Stage) => T): T;
export function stage<T>(name: string, options: StageOptions, work: (stage: Stage) => Promise<T>): Promise<T>;
export function stage<T>(name: string, options: StageOptions, work: (stage: Stage) => T): T;
export function stage<T>(name: string, ...rest: StageArguments<T>): T {
  return doStage(place('stage'), here(), name, rest);
}

/**
 * Does `work` on one item of the current stage, and counts it as one unit.
 *
 * @example
 * await item(company.id, { bucket: 'High' }, (item) => score(company, item));
 */
export function item<T>(id: Id, work: (item: Item) => Promise<T>): Promise<T>;
export function item<T>(id: Id, work: (item: Item) => T): T;
export function item<T>(id: Id, options: ItemOptions, work: (item: Item) => Promise<T>): Promise<T>;
export function item<T>(id: Id, options: ItemOptions, work: (item: Item) => T): T;
export function item<T>(id: Id, ...rest: ItemArguments<T>): T {
  return doItem(place('item'), here(), id, rest);
}

/**
 * Does `work` as one call of a vendor. Tries inside it that instrumentation sees are summed into it.
 *
 * @example
 * const answer = await vendorCall('openai', { model: 'gpt-5-mini', operation: 'chat' }, async (call) => {
 *   const response = await ask(prompt);
 *   call.usage({ tokensInput: response.usage.input, tokensOutput: response.usage.output });
 *   return response;
 * });
 */
export function vendorCall<T>(vendor: string, work: (call: VendorCall) => Promise<T>): Promise<T>;
export function vendorCall<T>(vendor: string, work: (call: VendorCall) => T): T;
export function vendorCall<T>(
  vendor: string,
  options: VendorCallOptions,
  work: (call: VendorCall) => Promise<T>,
): Promise<T>;
export function vendorCall<T>(vendor: string, options: VendorCallOptions, work: (call: VendorCall) => T): T;
export function vendorCall<T>(vendor: string, ...rest: VendorCallArguments<T>): T {
  return callVendor(place('vendorCall'), here(), vendor, rest);
}

/**
 * Begins a stage of the current run and leaves ending it to the caller.
 *
 * @example
 * const crawl = beginStage('crawl');
 * try { await crawl.with(crawlAll); } catch (error) { crawl.fail(error); throw error; } finally { crawl.end(); }
 */
export function beginStage(name: string, options: StageOptions = {}): Stage {
  return new StageSpan(place('beginStage'), here(), name, options);
}

/**
 * Begins an item of the current stage and leaves ending it to the caller.
 *
 * @example
 * const one = beginItem(company.id);
 * one.bucket('High');
 * one.end();
 */
export function beginItem(id: Id, options: ItemOptions = {}): Item {
  return new ItemSpan(place('beginItem'), here(), id, options);
}

/**
 * Begins a vendor call and leaves ending it to the caller.
 *
 * @example
 * const call = beginVendorCall('lusha');
 * call.usage({ units: 1 });
 * call.end();
 */
export function beginVendorCall(vendor: string, options: VendorCallOptions = {}): VendorCall {
  return new VendorCallSpan(place('beginVendorCall'), here(), vendor, options);
}

/**
 * States usage of a vendor that has already happened, as one vendor call that ends at once.
 *
 * @example
 * bumpVendor('zerobounce', { calls: 50, errors: 3, costUsd: 0.4 });
 */
export function bumpVendor(vendor: string, usage: Usage = {}): void {
  bump(place('bumpVendor'), here(), vendor, usage);
}

/**
 * Logs a named event on the innermost current handle: call, item, stage or run.
 *
 * @example
 * logEvent('robots_denied', { status: 'skip', attributes: { host: 'example.com' } });
 */
export function logEvent(name: string, options: EventOptions = {}): void {
  innermost('logEvent')?.logEvent(name, options);
}

/**
 * Logs that something is tried again; counted as a retry of the current stage.
 *
 * @example
 * retry('HTTP_503');
 */
export function retry(reason?: string): void {
  innermost('retry')?.retry(reason);
}

/**
 * Logs that another way was taken; counted as a fallback of the current stage.
 *
 * @example
 * fallback('tavily');
 */
export function fallback(to?: string): void {
  innermost('fallback')?.fallback(to);
}

/**
 * The run that the calling code belongs to, or undefined.
 *
 * @example
 * currentRun()?.addMetric('emails_found', 3);
 */
export function currentRun(): Run | undefined {
  return currentFrame()?.run;
}

/** The stage that the calling code belongs to, or undefined. */
export function currentStage(): Stage | undefined {
  return currentFrame()?.stage ?? undefined;
}

/** The item that the calling code works on, or undefined. */
export function currentItem(): Item | undefined {
  return currentFrame()?.item ?? undefined;
}

function place(helper: string): Frame {
  return frameOrWarn(helper) ?? outsideEveryRun();
}

function here(): Context {
  return context.active();
}

function innermost(helper: string): OpenSpan | undefined {
  const frame = frameOrWarn(helper);
  return frame && (frame.call ?? frame.item ?? frame.stage ?? frame.run);
}
