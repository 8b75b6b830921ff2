/**
 * A run: one execution of a pipeline for a tenant. It begins a trace of its own, announces itself, sends heartbeats while it is open, and
 * states at its end how many spans it sent, so that the ledger can prove itself complete.
 */

import { type Attributes, context, type HrTime, type Link, type Tracer, trace } from '@opentelemetry/api';
import { ATTR, METRIC_PREFIX, METRIC_SUM_PREFIX, type RunOutcome } from './attributes.ts';
import { clockFrom, type RunClock } from './clock.ts';
import type { Frame } from './context.ts';
import { errorMessage } from './errors.ts';
import type { Run, RunOptions, Stage, StageOptions, Usage, VendorCall, VendorCallOptions } from './handles.ts';
import { quietly } from './health.ts';
import { safeId } from './item.ts';
import { makeRunKey } from './key.ts';
import { logEnd, logging, logLine } from './logs.ts';
import { sendStartMarker, startHeartbeat } from './marker.ts';
import { OpenSpan, runInside } from './open_span.ts';
import { doStage, type StageArguments, StageSpan } from './stage.ts';
import { bump, callVendor, type VendorCallArguments, VendorCallSpan } from './vendor.ts';

export const TRACER_NAME = 'runledger';

/** Runs that have begun and not ended, for the exit hooks. */
export const openRuns = new Set<RunSpan>();

export class RunSpan extends OpenSpan implements Run {
  readonly frame: Frame;
  readonly id: string | number;
  readonly tenant: string | number;
  readonly pipeline: string;
  readonly tracer: Tracer;
  /** Of a run that is told after the fact; null: the process's. */
  readonly clock: RunClock | null;
  /** Records nothing: the place of helpers that are called outside every run. */
  readonly silent: boolean;
  /** Stages, items and calls that have begun and not ended. */
  readonly open = new Set<OpenSpan>();
  /** Spans of each kind that ended and were recorded. */
  readonly sent = { stages: 0, items: 0, vendorCalls: 0, dropped: 0 };
  readonly #sums = new Map<string, number>();
  readonly #stopHeartbeat: () => void;
  #outcome: RunOutcome = 'succeeded';

  constructor(options: RunOptions, silent = false) {
    const clock = clockFrom(options.startedAt);
    const startedAt = clock?.startedAt;
    const id =
      options.id === undefined ? makeRunKey(String(options.pipeline), keyTimeMs(startedAt)) : safeId(options.id);
    const tracer = trace.getTracer(TRACER_NAME);
    const facts = runFacts(options);
    super(
      tracer,
      {
        name: options.pipeline,
        attributes: {
          [ATTR.kind]: 'run',
          [ATTR.tenantId]: options.tenant,
          [ATTR.runId]: id,
          [ATTR.pipeline]: options.pipeline,
          ...facts,
        },
        parent: context.active(),
        at: startedAt,
        root: true,
        links: linksToCaller(),
      },
      silent,
    );
    this.id = id;
    this.tenant = options.tenant;
    this.pipeline = options.pipeline;
    this.tracer = tracer;
    this.clock = clock;
    this.silent = silent;
    this.frame = { run: this, stage: null, item: null, call: null };
    sendStartMarker(this, 'run', options.pipeline, facts);
    this.#stopHeartbeat = silent ? () => undefined : startHeartbeat(this);
    if (silent) return;
    openRuns.add(this);
    if (logging()) logLine('obs.run', this, { event: 'start', status: 'running' });
  }

  stage<T>(name: string, ...rest: StageArguments<T>): T {
    return doStage(this.frame, this.context, name, rest);
  }

  beginStage(name: string, options: StageOptions = {}): Stage {
    return new StageSpan(this.frame, this.context, name, options);
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

  metric(name: string, value: number): void {
    this.setAttribute(METRIC_PREFIX + name, value);
  }

  /** One attribute holds the sum so far: the receiver adds it once per span. */
  addMetric(name: string, value: number): void {
    const sum = (this.#sums.get(name) ?? 0) + value;
    this.#sums.set(name, sum);
    this.setAttribute(METRIC_SUM_PREFIX + name, sum);
  }

  degraded(): void {
    this.setAttribute(ATTR.runDegraded, true);
  }

  cancel(reason?: string): void {
    this.#outcome = 'cancelled';
    if (reason !== undefined) this.setAttribute('cancel.reason', errorMessage(reason));
  }

  override fail(error: unknown): void {
    super.fail(error);
    this.#outcome = 'failed';
  }

  /** A run that was called off stays so, whatever error the calling off then raises. */
  override thrown(error: unknown): void {
    if (this.#outcome === 'cancelled') super.fail(error);
    else super.thrown(error);
  }

  /** What is still open was not finished: it ends as failed, with the run's own failure if there is one. */
  protected onEnd(): void {
    openRuns.delete(this);
    this.#stopHeartbeat();
    const cause = this.failure?.code ?? 'not_ended';
    for (const span of [...this.open].reverse()) {
      if (span.failure === null) span.fail(cause);
      span.end();
    }
    this.span.setAttributes({
      [ATTR.runStatus]: this.#outcome,
      [ATTR.sentStages]: this.sent.stages,
      [ATTR.sentItems]: this.sent.items,
      [ATTR.sentVendorCalls]: this.sent.vendorCalls,
      [ATTR.sentDropped]: this.sent.dropped,
    });
    logEnd('obs.run', this, this.#outcome);
  }
}

/**
 * Begins a run and leaves ending it to the caller: the manual form of `run()`.
 *
 * @example
 * const nightly = beginRun({ tenant: 7, pipeline: 'nightly' });
 * try { await nightly.with(work); } catch (error) { nightly.fail(error); throw error; } finally { nightly.end(); }
 */
export function beginRun(options: RunOptions): Run {
  return new RunSpan(options);
}

/**
 * Runs `work` as one run of a pipeline for a tenant. The run ends when the work has ended; an error makes it failed and passes through.
 *
 * @example
 * await run({ tenant: 7, pipeline: 'nightly' }, async (run) => {
 *   await run.stage('crawl', crawlAll);
 *   run.metric('items_delivered', 120);
 * });
 */
export function run<T>(options: RunOptions, work: (run: Run) => Promise<T>): Promise<T>;
export function run<T>(options: RunOptions, work: (run: Run) => T): T;
export function run<T>(options: RunOptions, work: (run: Run) => T): T {
  return runInside(new RunSpan(options), work);
}

let outside: RunSpan | null = null;

/** The place of helpers that are called outside every run: their work is done and nothing is recorded. */
export function outsideEveryRun(): Frame {
  outside ??= new RunSpan({ tenant: 0, pipeline: 'none', id: 'none' }, true);
  return outside.frame;
}

function keyTimeMs(startedAt: HrTime | undefined): number {
  return startedAt === undefined ? Date.now() : startedAt[0] * 1000 + Math.floor(startedAt[1] / 1e6);
}

function runFacts(options: RunOptions): Attributes {
  const facts: Attributes = {};
  if (options.environment !== undefined) facts['deployment.environment.name'] = options.environment;
  if (options.langsmithUrl !== undefined) facts[ATTR.langsmithUrl] = options.langsmithUrl;
  return facts;
}

/** A run is the root of its own trace, which is how spans without a run find it; the trace that started it is linked. */
function linksToCaller(): Link[] {
  let links: Link[] = [];
  quietly(() => {
    const caller = trace.getSpanContext(context.active());
    if (caller !== undefined && trace.wrapSpanContext(caller).spanContext().traceId !== '0'.repeat(32))
      links = [{ context: caller }];
  });
  return links;
}
