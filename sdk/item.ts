/** An item: one thing that a stage works on, counted as one unit of the stage. */

import type { Attributes, Context } from '@opentelemetry/api';
import { ATTR } from './attributes.ts';
import type { Frame } from './context.ts';
import { errorMessage } from './errors.ts';
import type { Id, Item, ItemOptions, Usage, VendorCall, VendorCallOptions } from './handles.ts';
import { logEnd } from './logs.ts';
import { OpenSpan, runInside } from './open_span.ts';
import { bump, callVendor, type VendorCallArguments, VendorCallSpan } from './vendor.ts';

export class ItemSpan extends OpenSpan implements Item {
  readonly frame: Frame;
  readonly id: string | number;
  #skipped = false;

  constructor(place: Frame, parent: Context, id: Id, options: ItemOptions) {
    const plainId = safeId(id);
    super(
      place.run.tracer,
      {
        name: place.stage === null ? 'item' : `${place.stage.name} item`,
        attributes: startAttributes(place, plainId, options),
        parent,
        at: place.run.clock?.now(),
      },
      place.run.silent,
    );
    this.id = plainId;
    this.frame = { run: place.run, stage: place.stage, item: this, call: null };
    place.run.open.add(this);
    place.stage?.itemStarted();
  }

  bucket(name: string): void {
    this.setAttribute(ATTR.itemBucket, String(name));
  }

  skip(reason?: string): void {
    this.#skipped = true;
    if (reason !== undefined) this.setAttribute('skip.reason', errorMessage(reason));
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
    const status = this.failure !== null ? 'error' : this.#skipped ? 'skip' : 'ok';
    if (status === 'skip') this.span.setAttribute(ATTR.status, 'skip');
    if (this.recorded) run.sent.items++;
    else run.sent.dropped++;
    logEnd('obs.stage', this, status);
  }
}

export type ItemArguments<T> = [work: (item: Item) => T] | [options: ItemOptions, work: (item: Item) => T];

export function doItem<T>(place: Frame, parent: Context, id: Id, rest: ItemArguments<T>): T {
  const [options, work] = rest.length === 1 ? [{}, rest[0]] : rest;
  return runInside(new ItemSpan(place, parent, id, options), work);
}

function startAttributes(place: Frame, id: string | number, options: ItemOptions): Attributes {
  const attributes: Attributes = {
    [ATTR.kind]: 'item',
    [ATTR.tenantId]: place.run.tenant,
    [ATTR.runId]: place.run.id,
    [ATTR.itemId]: id,
  };
  if (place.stage !== null) attributes[ATTR.stage] = place.stage.name;
  if (options.bucket !== undefined) attributes[ATTR.itemBucket] = options.bucket;
  return attributes;
}

/** Numbers beyond 2^53 and bigints travel as text, which the receiver reads as the same id. */
export function safeId(id: Id): string | number {
  return typeof id === 'number' && Number.isSafeInteger(id) ? id : String(id);
}
