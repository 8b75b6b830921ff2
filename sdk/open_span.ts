/**
 * The base of run, stage, item and vendor call: a span of ours from its start to its end. It starts and ends spans without ever
 * throwing, keeps the failure until the end, and places events where none is lost.
 */

import {
  type Attributes,
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { ATTR } from './attributes.ts';
import { currentFrame, enter, type Frame } from './context.ts';
import { errorCode, errorMessage } from './errors.ts';
import { EventSink } from './event_sink.ts';
import type { EventOptions, Handle } from './handles.ts';
import { noteInternalError, quietly, warnOnce } from './health.ts';
import { logging, logLine } from './logs.ts';
import { isRecorded, type SpanStart, startSpan } from './start_span.ts';

export abstract class OpenSpan implements Handle {
  readonly span: Span;
  /** What is current inside this span; set by each subclass's constructor. */
  abstract readonly frame: Frame;
  readonly recorded: boolean;
  readonly startedMs: number;
  ended = false;
  failure: { code: string; message: string } | null = null;
  readonly #parent: Context;
  #context: Context | null = null;
  #events: EventSink | null = null;

  constructor(tracer: Tracer, start: SpanStart, silent = false) {
    this.#parent = start.parent;
    this.startedMs = performance.now();
    this.span = silent ? trace.wrapSpanContext(INVALID_SPAN_CONTEXT) : startSpan(tracer, start);
    this.recorded = !silent && isRecorded(this.span);
  }

  /** Built when first needed: many items and calls have no children. */
  get context(): Context {
    this.#context ??= enter(this.#parent, this.span, this.frame);
    return this.#context;
  }

  with<T>(work: () => T): T {
    return context.with(this.context, work);
  }

  setAttribute(key: string, value: string | number | boolean): void {
    try {
      this.span.setAttribute(key, value);
    } catch (error) {
      noteInternalError(error);
    }
  }

  fail(error: unknown): void {
    if (this.ended) return;
    this.failure = { code: errorCode(error), message: errorMessage(error) };
  }

  logEvent(name: string, options: EventOptions = {}): void {
    quietly(() => {
      const status = options.status ?? (options.errorCode === undefined ? 'ok' : 'error');
      const attributes: Attributes = { ...options.attributes, [ATTR.status]: status };
      if (options.errorCode !== undefined) attributes[ATTR.errorCode] = errorCode(options.errorCode);
      if (this.frame.item !== null) attributes[ATTR.itemId] = this.frame.item.id;
      this.#events ??= new EventSink(this);
      this.#events.add(name, attributes);
      if (logging())
        logLine(name.startsWith('qa') ? 'obs.qa' : 'obs.stage', this, {
          event: name,
          status,
          errorCode: options.errorCode,
        });
    });
  }

  retry(reason?: string): void {
    this.logEvent('retry', {
      status: 'retry',
      ...(reason === undefined ? {} : { attributes: { reason: errorMessage(reason) } }),
    });
  }

  fallback(to?: string): void {
    this.logEvent('fallback', { status: 'ok', ...(to === undefined ? {} : { attributes: { to: errorMessage(to) } }) });
  }

  /** States an error that the work threw. What the work stated before stays: `fail('LOGIN_REJECTED')` says more than a class's name. */
  thrown(error: unknown): void {
    if (this.failure === null) this.fail(error);
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    try {
      this.#events?.close();
      this.onEnd();
      if (this.failure !== null) {
        this.span.setAttribute(ATTR.errorCode, this.failure.code);
        this.span.setStatus({ code: SpanStatusCode.ERROR, message: this.failure.message });
      }
    } catch (error) {
      noteInternalError(error);
    }
    quietly(() => this.span.end(this.frame.run.clock?.now()));
  }

  /** Last attributes and bookkeeping, before the span ends. */
  protected abstract onEnd(): void;
}

/** Runs `work` inside `handle` and ends it when the work has ended; an error is stated and passes through untouched. */
export function runInside<H extends OpenSpan, T>(handle: H, work: (handle: H) => T): T {
  let result: T;
  try {
    result = context.with(handle.context, work, undefined, handle);
  } catch (error) {
    endThrown(handle, error);
    throw error;
  }
  if (!isThenable(result)) {
    handle.end();
    return result;
  }
  return Promise.resolve(result).then(
    (value) => {
      handle.end();
      return value;
    },
    (error: unknown) => {
      endThrown(handle, error);
      throw error;
    },
  ) as T;
}

function endThrown(handle: OpenSpan, error: unknown): void {
  handle.thrown(error);
  handle.end();
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** The current frame, or undefined with a warning: a helper was called outside every run. */
export function frameOrWarn(helper: string): Frame | undefined {
  const frame = currentFrame();
  if (frame === undefined) {
    warnOnce(
      'NO_RUN',
      `${helper}() was called outside a run; it does its work and records nothing. Call it inside run() or run.with().`,
    );
  }
  return frame;
}
