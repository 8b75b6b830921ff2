/**
 * The way out: OpenTelemetry's batch queue with a count of what goes in, what is acknowledged and what is lost, and with further tries
 * when a receiver is away for longer than the exporter itself is patient. Nothing is lost while there is room.
 */

import { context, ROOT_CONTEXT, TraceFlags } from '@opentelemetry/api';
import type { core, tracing } from '@opentelemetry/sdk-node';
import { ATTR } from './attributes.ts';
import type { BatchSettings } from './environment.ts';
import { health, noteInternalError, warnOnce } from './health.ts';
import { loadSdkNode } from './packages.ts';
import { hearRefusals, type Refused } from './refusals.ts';
import { openRuns } from './run.ts';

/** Requests on the wire at once. OpenTelemetry's own flush of a full queue starts 128, of which its exporter refuses 98. */
const PARALLEL_REQUESTS = 4;
/** Values of OpenTelemetry's ExportResultCode. */
const SUCCESS = 0;
const FAILED = 1;
/** Pause after the exporter has given up on a batch, which by default it does after 10 s. */
const RETRY_PAUSE_MS = 1_000;
/** gRPC status codes after which trying again may help. */
const RETRYABLE_GRPC = new Set([1, 4, 8, 10, 11, 14, 15]);

type Batch = tracing.ReadableSpan[];

/** Between the batch queue and the exporter: owns each batch until it is acknowledged or lost, limits requests, tries again, counts. */
class Dispatcher {
  /** Spans that are neither acknowledged nor lost. */
  held = 0;
  readonly #exporter: tracing.SpanExporter;
  readonly #takeRefused: () => Refused | null;
  readonly #waiting: Batch[] = [];
  readonly #sending = new Set<Batch>();
  readonly #pausing = new Map<Batch, NodeJS.Timeout>();
  #closing = false;
  #frozen = false;
  #idle: (() => void)[] = [];

  constructor(exporter: tracing.SpanExporter) {
    this.#exporter = exporter;
    this.#takeRefused = hearRefusals(exporter);
  }

  take(batch: Batch): void {
    this.held += batch.length;
    this.#waiting.push(batch);
    this.#pump();
  }

  /** Spans handed over and not acknowledged. */
  unacknowledged(): tracing.ReadableSpan[] {
    return [...this.#sending, ...this.#pausing.keys(), ...this.#waiting].flat();
  }

  /** From here on each batch is tried once more and then counted as lost, so that the process can end. */
  close(): void {
    this.#closing = true;
    this.hurry();
  }

  /** Sends what pauses now. */
  hurry(): void {
    for (const [batch, timer] of this.#pausing) {
      clearTimeout(timer);
      this.#waiting.push(batch);
    }
    this.#pausing.clear();
    this.#pump();
  }

  /** Starts no request from here on: what waits will leave another way. */
  freeze(): void {
    this.#closing = true;
    this.#frozen = true;
    for (const timer of this.#pausing.values()) clearTimeout(timer);
  }

  /** Resolves when every batch is acknowledged or lost. */
  settled(): Promise<void> {
    if (this.held === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #pump(): void {
    while (!this.#frozen && this.#sending.size < PARALLEL_REQUESTS) {
      const batch = this.#waiting.shift();
      if (batch === undefined) return;
      this.#send(batch);
    }
  }

  #send(batch: Batch): void {
    this.#sending.add(batch);
    // A later try may start from anywhere, also from inside a run; the request must not become a span of it.
    const untraced = loadSdkNode().core.suppressTracing(ROOT_CONTEXT);
    try {
      context.with(untraced, () => this.#exporter.export(batch, (result) => this.#answered(batch, result)));
    } catch (error) {
      noteInternalError(error);
      this.#answered(batch, { code: FAILED, error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  #answered(batch: Batch, result: core.ExportResult): void {
    if (!this.#sending.delete(batch)) return;
    const refused = this.#takeRefused();
    if (result.code !== FAILED) {
      health.exported += batch.length - (refused === null ? 0 : countRefused(batch, refused));
      this.#release(batch);
    } else if (!this.#closing && mayPass(result.error)) {
      this.#pause(batch);
    } else {
      lose(batch, result.error);
      this.#release(batch);
    }
    this.#pump();
  }

  /** The timer does not keep the process alive: at its end the last flush takes over. */
  #pause(batch: Batch): void {
    const timer = setTimeout(() => {
      this.#pausing.delete(batch);
      this.#waiting.unshift(batch);
      this.#pump();
    }, RETRY_PAUSE_MS);
    timer.unref();
    this.#pausing.set(batch, timer);
  }

  #release(batch: Batch): void {
    this.held -= batch.length;
    if (this.held > 0) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }
}

function lose(batch: Batch, error: Error | undefined): void {
  health.droppedNotAccepted += batch.length;
  for (const span of batch) tellRun(span);
  const reason = (error?.message ?? 'no answer').slice(0, 200);
  warnOnce('LOST', `${batch.length} spans were lost: ${reason}. Further losses are counted in stats().`);
}

/** @returns how many spans of the batch are lost. Which ones is not said, so runs are only told when all are. */
function countRefused(batch: Batch, { spans, message }: Refused): number {
  const count = Math.min(spans, batch.length);
  health.droppedNotAccepted += count;
  if (count === batch.length) for (const span of batch) tellRun(span);
  warnOnce('REFUSED', `${count} spans were refused: ${message}. Further refusals are counted in stats().`);
  return count;
}

/** The span processor that queues and sends. */
export class ExportQueue implements tracing.SpanProcessor {
  readonly #dispatcher: Dispatcher;
  readonly #batches: tracing.SpanProcessor;
  readonly #exporter: tracing.SpanExporter;
  readonly #capacity: number;
  /** Spans in OpenTelemetry's queue: it does not tell what it drops, so it is never given more than it holds. */
  #queued = 0;

  constructor(exporter: tracing.SpanExporter, settings: BatchSettings) {
    this.#capacity = settings.maxQueueSize;
    this.#exporter = exporter;
    this.#dispatcher = new Dispatcher(exporter);
    // OpenTelemetry's queue only makes batches: each is answered at once, since it gives up on a batch after 30 s and holds the
    // process open until then.
    const dispatching: tracing.SpanExporter = {
      export: (spans, done) => {
        this.#queued -= spans.length;
        this.#dispatcher.take(spans);
        done({ code: SUCCESS });
      },
      shutdown: () => Promise.resolve(),
    };
    this.#batches = new (loadSdkNode().tracing.BatchSpanProcessor)(dispatching, { ...settings });
  }

  onStart(): void {
    // Nothing to do: spans are queued when they end.
  }

  onEnd(span: tracing.ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.#queued + this.#dispatcher.held >= this.#capacity) {
      health.droppedQueueFull++;
      tellRun(span);
      warnOnce(
        'QUEUE_FULL',
        `spans are lost: ${this.#capacity} wait already (OTEL_BSP_MAX_QUEUE_SIZE). Further losses are counted in stats().`,
      );
      return;
    }
    this.#queued++;
    health.queued++;
    this.#batches.onEnd(span);
  }

  /** Sends everything that waits and resolves when it is acknowledged or lost. */
  async forceFlush(): Promise<void> {
    this.#dispatcher.hurry();
    await this.#batches.forceFlush();
    await this.#dispatcher.settled();
  }

  async shutdown(): Promise<void> {
    this.#dispatcher.close();
    await this.#batches.shutdown();
    await this.#dispatcher.settled();
    await this.#exporter.shutdown();
  }

  /** Everything that nobody has acknowledged, for a last flush by another process; this queue sends nothing more. */
  takeUnacknowledged(): tracing.ReadableSpan[] {
    this.#dispatcher.freeze();
    this.#batches.forceFlush().catch(noteInternalError);
    return this.#dispatcher.unacknowledged();
  }
}

/** Network errors, timeouts and retryable statuses come without a number; a number is a final HTTP status, or gRPC's. */
function mayPass(error: (Error & { code?: unknown }) | undefined): boolean {
  if (typeof error?.code !== 'number') return true;
  return RETRYABLE_GRPC.has(error.code);
}

/** A run that is still open states at its end what it lost. */
function tellRun(span: tracing.ReadableSpan): void {
  const id = span.attributes[ATTR.runId];
  for (const run of openRuns) {
    if (run.id === id && run.tenant === span.attributes[ATTR.tenantId]) {
      run.sent.dropped++;
      return;
    }
  }
}
