/** What a pipeline uses: set-up, the helpers, and the parts for a provider of its own. docs/instrument.md shows them at work. */

export type { EventStatus, RunOutcome, StageUnit } from './attributes.ts';
export { ATTR, KNOWN_METRICS, METRIC_PREFIX, METRIC_SUM_PREFIX } from './attributes.ts';
export {
  beginItem,
  beginStage,
  beginVendorCall,
  bumpVendor,
  currentItem,
  currentRun,
  currentStage,
  fallback,
  item,
  logEvent,
  retry,
  stage,
  vendorCall,
} from './current.ts';
export { type FinalState, finalizeRun, type StopStage, stageTimer } from './five.ts';
export type {
  Counts,
  EventOptions,
  Id,
  Item,
  ItemOptions,
  Run,
  RunOptions,
  Stage,
  StageOptions,
  Usage,
  VendorCall,
  VendorCallOptions,
} from './handles.ts';
export type { SdkStats } from './health.ts';
export { currentLangsmithRunId, type LangsmithPlace, langsmithLink, langsmithUrl } from './langsmith.ts';
export { runledgerSpanProcessor } from './processor.ts';
export { beginRun, run } from './run.ts';
export { runledgerSampler } from './sampler.ts';
export { type SetupHandle, type SetupOptions, setup } from './setup.ts';
