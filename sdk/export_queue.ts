/**
 * The way out: OpenTelemetry's batch queue with a count of what goes in, what is acknowledged and what is lost, and with further tries
 * when a receiver is away for longer than the exporter itself is patient. Nothing is lost while there is room.
 */

import { TraceFlags } from '@opentelemetry/api';
import type { core, tracing } from '@opentelemetry/sdk-node';
import { ATTR } from './attributes.ts';
import type { BatchSettings } from './environment.ts';
import { health, noteInternalError, warnOnce } from './health.ts';
import { loadSdkNode } from './packages.ts';
import { openRuns } from './run.ts';

/** Requests on the wire at once. OpenTelemetry's own flush of a full queue starts 128, of which its exporter refuses 98. */
const PARALLEL_REQUESTS = 4;
/** Pause after the exporter has given up on a batch, which by default it does after 10 s. */
const RETRY_PAUSE_MS = 1_000;
/** gRPC status codes after which trying again may help. */
const RETRYABLE_GRPC = new Set([1, 4, 8, 10, 11, 14, 15]);

interface Batch {
  spans: tracing.ReadableSpan[];
  done: (result: core.ExportResult) => void;
}

/** The exporter behind the batch queue: limits requests, tries again, counts. */
class PatientExporter implements tracing.SpanExporter {
  readonly #exporter: tracing.SpanExporter;
  /** Twice the queue: a flush hands over a full queue while older batches still wait for an answer. */
  readonly #capacity: number;
  readonly #waiting: Batch[] = [];
  readonly #sending = new Set<Batch>();
  readonly #pausing = new Map<Batch, NodeJS.Timeout>();
  #held = 0;
  #closing = false;
  #frozen = false;
  #idle: (() => void)[] = [];

  constructor(exporter: tracing.SpanExporter, capacity: number) {
    this.#exporter = exporter;
    this.#capacity = capacity;
  }

  export(spans: tracing.ReadableSpan[], done: (result: core.ExportResult) => void): void {
    const batch = { spans, done };
    if (this.#held + spans.length > this.#capacity) {
      this.#lose(batch, new Error('no room left'));
      return;
    }
    this.#held += spans.length;
    this.#waiting.push(batch);
    this.#pump();
  }

  /** Spans handed over and not acknowledged. */
  unacknowledged(): tracing.ReadableSpan[] {
    return [...this.#sending, ...this.#pausing.keys(), ...this.#waiting].flatMap((batch) => batch.spans);
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

  forceFlush(): Promise<void> {
    if (this.#held === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
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
    try {
      this.#exporter.export(batch.spans, (result) => this.#answered(batch, result));
    } catch (error) {
      noteInternalError(error);
      this.#answered(batch, { code: 1, error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  #answered(batch: Batch, result: core.ExportResult): void {
    if (!this.#sending.delete(batch)) return;
    if (result.code === 0) {
      health.exported += batch.spans.length;
      this.#settle(batch, result);
    } else if (!this.#closing && mayPass(result.error)) {
      const timer = setTimeout(() => {
        this.#pausing.delete(batch);
        this.#waiting.unshift(batch);
        this.#pump();
      }, RETRY_PAUSE_MS);
      timer.unref();
      this.#pausing.set(batch, timer);
    } else {
      this.#held -= batch.spans.length;
      this.#lose(batch, result.error);
      this.#wake();
    }
    this.#pump();
  }

  #settle(batch: Batch, result: core.ExportResult): void {
    this.#held -= batch.spans.length;
    batch.done(result);
    this.#wake();
  }

  #lose(batch: Batch, error: Error | undefined): void {
    health.droppedNotAccepted += batch.spans.length;
    for (const span of batch.spans) tellRun(span);
    const reason = (error?.message ?? 'no answer').slice(0, 200);
    warnOnce('LOST', `${batch.spans.length} spans were lost: ${reason}. Further losses are counted in stats().`);
    batch.done({ code: 1, error: error ?? new Error('export failed') });
  }

  #wake(): void {
    if (this.#held > 0) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }
}

/** The span processor that queues and sends. */
export class ExportQueue implements tracing.SpanProcessor {
  readonly #exporter: PatientExporter;
  readonly #batches: tracing.SpanProcessor;
  readonly #capacity: number;
  /** Spans in OpenTelemetry's queue: it does not tell what it drops, so it is never given more than it holds. */
  #queued = 0;

  constructor(exporter: tracing.SpanExporter, settings: BatchSettings) {
    this.#capacity = settings.maxQueueSize;
    this.#exporter = new PatientExporter(exporter, 2 * settings.maxQueueSize);
    const counted: tracing.SpanExporter = {
      export: (spans, done) => {
        this.#queued -= spans.length;
        this.#exporter.export(spans, done);
      },
      shutdown: () => this.#exporter.shutdown(),
    };
    this.#batches = new (loadSdkNode().tracing.BatchSpanProcessor)(counted, { ...settings });
  }

  onStart(): void {
    // Nothing to do: spans are queued when they end.
  }

  onEnd(span: tracing.ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.#queued >= this.#capacity) {
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

  /** Hands everything that waits to the exporter and waits until it is acknowledged or lost. */
  async forceFlush(): Promise<void> {
    this.#exporter.hurry();
    await Promise.all([this.#batches.forceFlush().catch(noteFlushError), this.#exporter.forceFlush()]);
  }

  async shutdown(): Promise<void> {
    this.#exporter.close();
    await this.#batches.shutdown().catch(noteFlushError);
    await this.#exporter.forceFlush();
    await this.#exporter.shutdown();
  }

  /** Everything that nobody has acknowledged, for a last flush by another thread; this queue sends nothing more. */
  takeUnacknowledged(): tracing.ReadableSpan[] {
    this.#exporter.freeze();
    void this.#batches.forceFlush().catch(noteFlushError);
    return this.#exporter.unacknowledged();
  }
}

/** Flushing rejects when a batch was lost or slow; the loss is counted where it happens. */
function noteFlushError(error: unknown): void {
  health.lastInternalError = error instanceof Error ? error.message.slice(0, 256) : String(error);
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
