/**
 * Where code stands: the run, stage, item and vendor call that are current, carried by OpenTelemetry's context and by nothing else.
 * There is no process-wide current run, so concurrent runs of different tenants cannot mix.
 */

import { type Context, context, createContextKey, type Span, trace } from '@opentelemetry/api';
import type { ItemSpan } from './item.ts';
import type { RunSpan } from './run.ts';
import type { StageSpan } from './stage.ts';
import type { VendorCallSpan } from './vendor.ts';

export interface Frame {
  readonly run: RunSpan;
  readonly stage: StageSpan | null;
  readonly item: ItemSpan | null;
  readonly call: VendorCallSpan | null;
}

const FRAME_KEY = createContextKey('runledger.frame');

/** @returns the frame of `at`, or undefined outside every run. */
export function frameOf(at: Context): Frame | undefined {
  return at.getValue(FRAME_KEY) as Frame | undefined;
}

export function currentFrame(): Frame | undefined {
  return frameOf(context.active());
}

/** @returns `parent` with `span` as the active span and `frame` as the place. */
export function enter(parent: Context, span: Span, frame: Frame): Context {
  return trace.setSpan(parent.setValue(FRAME_KEY, frame), span);
}
