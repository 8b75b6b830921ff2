/**
 * The shapes of what a pipeline holds in its hands: a run, its stages, their items and calls to vendors. Every method swallows errors of
 * telemetry; none of them waits for anything.
 */

import type { Context } from '@opentelemetry/api';
import type { EventStatus, StageUnit } from './attributes.ts';

/** A string, a safe integer or a bigint; numbers of the ledger itself stay numbers. */
export type Id = string | number | bigint;

export interface RunOptions {
  /** Whose data it is: the tenant's number, or its registered name. */
  tenant: string | number;
  /** Name of the pipeline: runs of one pipeline are compared with each other. */
  pipeline: string;
  /** The run's id where the pipeline has one already (a number, or text of at most 200 characters). Default: a new sortable key. */
  id?: Id;
  /** `deployment.environment.name` of this run. Default: the resource's. */
  environment?: string;
  /**
   * When the run began (a Date, or milliseconds since the epoch), for work that is brought in later: a backfill, a replay, a demo. The run's
   * clock starts there and goes on at the speed of this process. Spans of other instrumentation keep the process's time. Default: now.
   */
  startedAt?: Date | number;
  /** Link to this run's traces in LangSmith; see `langsmithUrl()`. */
  langsmithUrl?: string;
}

export interface StageOptions {
  /**
   * What the stage counts. `self` (default): the stage is one unit. `items`: its items, chosen by itself as soon as one starts.
   * `bulk`: the numbers given to `count()`, chosen by itself when it is called.
   */
  unit?: StageUnit;
}

export interface ItemOptions {
  /** Quality bucket, such as High, Medium or Low; at most 16 characters. */
  bucket?: string;
}

export interface VendorCallOptions {
  /** Model of a language-model vendor, by which its price is found. */
  model?: string;
  /** What is asked for: `chat` and `embeddings` for models, any word for others. It names the span. */
  operation?: string;
}

/** What a vendor call used. Counts are whole numbers >= 0; what is not given is left to defaults (1 call; 1 error if it failed). */
export interface Usage {
  /** Calls that this span stands for; default 1. */
  calls?: number;
  /** How many of them failed; default 1 if the call failed, else 0. */
  errors?: number;
  tokensInput?: number;
  tokensOutput?: number;
  /** US dollars. Leave out to have it computed from the price list. */
  costUsd?: number;
  /** Credits or units of a vendor that is priced by them. */
  units?: number;
  /** How often the vendor answered "too many requests". */
  rateLimitHits?: number;
  /** True once the vendor's quota or credit is used up. */
  quotaExhausted?: boolean;
  /** The model that answered, where it differs from the one asked for. */
  model?: string;
}

export interface EventOptions {
  /** Default `ok`, or `error` when an error code is given. */
  status?: EventStatus;
  /** At most 64 characters. */
  errorCode?: string;
  /** Further facts; no personal data and no prompts. */
  attributes?: Record<string, string | number | boolean>;
}

/** Units of a stage that handles its work in one go. */
export interface Counts {
  total: number;
  success?: number;
  error?: number;
}

/** What every handle can do. */
export interface Handle {
  /** The OpenTelemetry context in which this handle is current. */
  readonly context: Context;
  /** Runs `work` with this handle current: what starts inside belongs to it. Ends nothing. */
  with<T>(work: () => T): T;
  /** Logs a named event with its time. */
  logEvent(name: string, options?: EventOptions): void;
  /** Logs that something is tried again; counted as a retry of the stage. */
  retry(reason?: string): void;
  /** Logs that another way was taken; counted as a fallback of the stage. */
  fallback(to?: string): void;
  /** States that this failed, with an error or a code of at most 64 characters. Does not end it. */
  fail(error: unknown): void;
  /** Ends it. Further calls do nothing. */
  end(): void;
}

/** What can start a vendor call: a run, a stage, an item, or a call inside a call. */
export interface Caller {
  vendorCall<T>(vendor: string, work: (call: VendorCall) => Promise<T>): Promise<T>;
  vendorCall<T>(vendor: string, work: (call: VendorCall) => T): T;
  vendorCall<T>(vendor: string, options: VendorCallOptions, work: (call: VendorCall) => Promise<T>): Promise<T>;
  vendorCall<T>(vendor: string, options: VendorCallOptions, work: (call: VendorCall) => T): T;
  beginVendorCall(vendor: string, options?: VendorCallOptions): VendorCall;
  /** States usage that has already happened, as one vendor call that ends at once. */
  bumpVendor(vendor: string, usage?: Usage): void;
}

/** One execution of a pipeline for a tenant. */
export interface Run extends Handle, Caller {
  readonly id: string | number;
  readonly tenant: string | number;
  readonly pipeline: string;
  stage<T>(name: string, work: (stage: Stage) => Promise<T>): Promise<T>;
  stage<T>(name: string, work: (stage: Stage) => T): T;
  stage<T>(name: string, options: StageOptions, work: (stage: Stage) => Promise<T>): Promise<T>;
  stage<T>(name: string, options: StageOptions, work: (stage: Stage) => T): T;
  beginStage(name: string, options?: StageOptions): Stage;
  /** Sets a metric of the run; the last value wins. */
  metric(name: string, value: number): void;
  /** Adds to a metric of the run. */
  addMetric(name: string, value: number): void;
  /** States that the run succeeds with less than it should. */
  degraded(): void;
  /** States that the run was called off. Does not end it. */
  cancel(reason?: string): void;
}

/** A named step of a run. */
export interface Stage extends Handle, Caller {
  readonly name: string;
  readonly run: Run;
  item<T>(id: Id, work: (item: Item) => Promise<T>): Promise<T>;
  item<T>(id: Id, work: (item: Item) => T): T;
  item<T>(id: Id, options: ItemOptions, work: (item: Item) => Promise<T>): Promise<T>;
  item<T>(id: Id, options: ItemOptions, work: (item: Item) => T): T;
  beginItem(id: Id, options?: ItemOptions): Item;
  /** States the units of a stage that has no items. Later calls replace earlier ones. */
  count(counts: Counts): void;
}

/** One thing that a stage works on. */
export interface Item extends Handle, Caller {
  readonly id: string | number;
  /** Sets the quality bucket: High, Medium, Low. */
  bucket(name: string): void;
  /** States that the item was left out on purpose. */
  skip(reason?: string): void;
}

/** One use of an outside service. */
export interface VendorCall extends Handle, Caller {
  readonly vendor: string;
  /** States what the call used; later values replace earlier ones. */
  usage(usage: Usage): void;
  /** Counts one "too many requests". Not needed for answers that HTTP instrumentation sees. */
  rateLimited(): void;
  /** States that the vendor's quota or credit is used up. */
  quotaExhausted(): void;
}
