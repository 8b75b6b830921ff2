/** A stage: a named step of a run. It chooses what it counts by what happens in it: itself, its items, or numbers given in bulk. */

import type { Attributes, Context } from '@opentelemetry/api';
import { ATTR, type StageUnit } from './attributes.ts';
import type { Frame } from './context.ts';
import type {
  Counts,
  Id,
  Item,
  ItemOptions,
  Stage,
  StageOptions,
  Usage,
  VendorCall,
  VendorCallOptions,
} from './handles.ts';
import { warnOnce } from './health.ts';
import { doItem, type ItemArguments, ItemSpan } from './item.ts';
import { logEnd, logging, logLine } from './logs.ts';
import { sendStartMarker } from './marker.ts';
import { OpenSpan, runInside } from './open_span.ts';
import type { RunSpan } from './run.ts';
import { bump, callVendor, type VendorCallArguments, VendorCallSpan } from './vendor.ts';

export class StageSpan extends OpenSpan implements Stage {
  readonly frame: Frame;
  readonly name: string;
  #unit: StageUnit | null;

  constructor(place: Frame, parent: Context, name: string, options: StageOptions) {
    const attributes: Attributes = {
      [ATTR.kind]: 'stage',
      [ATTR.tenantId]: place.run.tenant,
      [ATTR.runId]: place.run.id,
      [ATTR.pipeline]: place.run.pipeline,
      [ATTR.stage]: name,
    };
    if (options.unit !== undefined) attributes[ATTR.stageUnit] = options.unit;
    super(place.run.tracer, { name, attributes, parent, at: place.run.clock?.now() }, place.run.silent);
    this.name = name;
    this.#unit = options.unit ?? null;
    this.frame = { run: place.run, stage: this, item: null, call: null };
    place.run.open.add(this);
    sendStartMarker(this, 'stage', name);
    if (logging()) logLine('obs.stage', this, { event: 'start', status: 'ok' });
  }

  get run(): RunSpan {
    return this.frame.run;
  }

  /** From the first item on the stage counts its items, whatever it counted before: their rows carry the units. */
  itemStarted(): void {
    if (this.#unit === 'items') return;
    if (this.#unit === 'bulk') this.#warnBoth();
    this.#unit = 'items';
    this.setAttribute(ATTR.stageUnit, 'items');
  }

  count(counts: Counts): void {
    if (this.#unit === 'items') {
      this.#warnBoth();
      return;
    }
    this.#unit = 'bulk';
    const error = counts.error ?? Math.max(0, counts.total - (counts.success ?? counts.total));
    const success = counts.success ?? counts.total - error;
    this.setAttribute(ATTR.stageUnit, 'bulk');
    this.setAttribute(ATTR.countTotal, counts.total);
    this.setAttribute(ATTR.countSuccess, success);
    this.setAttribute(ATTR.countError, error);
  }

  item<T>(id: Id, ...rest: ItemArguments<T>): T {
    return doItem(this.frame, this.context, id, rest);
  }

  beginItem(id: Id, options: ItemOptions = {}): Item {
    return new ItemSpan(this.frame, this.context, id, options);
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
    if (this.recorded) run.sent.stages++;
    else run.sent.dropped++;
    logEnd('obs.stage', this, this.failure === null ? 'ok' : 'error');
  }

  #warnBoth(): void {
    warnOnce(
      'COUNT_AND_ITEMS',
      `stage ${this.name} has items and count(): its items are counted and count() is ignored.`,
    );
  }
}

export type StageArguments<T> = [work: (stage: Stage) => T] | [options: StageOptions, work: (stage: Stage) => T];

export function doStage<T>(place: Frame, parent: Context, name: string, rest: StageArguments<T>): T {
  const [options, work] = rest.length === 1 ? [{}, rest[0]] : rest;
  return runInside(new StageSpan(place, parent, name, options), work);
}
