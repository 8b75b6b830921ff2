/**
 * Refusals under an answer of 200: OTLP's partial success, by which a receiver says how many spans of a request it will never take, and
 * why. OpenTelemetry's exporter calls such a request a success and only tells its own diagnostics, which are off unless somebody turns them on.
 */

import type { tracing } from '@opentelemetry/sdk-node';

/** What the answer to the last request refused. */
export interface Refused {
  spans: number;
  /** In the receiver's words. */
  message: string;
}

interface AnswerReader {
  handleResponse(answer: unknown): void;
}

/** Members of OpenTelemetry's OTLP exporters, which have no public way to see an answer. Where they are not there, nothing is heard. */
interface Inner {
  _delegate?: { _responseHandler?: Partial<AnswerReader> };
}

/**
 * Listens to the answers that `exporter` gets.
 * @returns what takes the refusals of the answer that came last; null: it had none. An exporter reads an answer and reports the result of
 * its batch in one turn, so whoever asks while a result is reported gets those of that batch.
 */
export function hearRefusals(exporter: tracing.SpanExporter): () => Refused | null {
  let last: Refused | null = null;
  const reader = (exporter as unknown as Inner)._delegate?._responseHandler;
  const read = reader?.handleResponse;
  if (reader !== undefined && read !== undefined) {
    reader.handleResponse = (answer) => {
      last = refusedBy(answer);
      read.call(reader, answer);
    };
  }
  return () => {
    const taken = last;
    last = null;
    return taken;
  };
}

function refusedBy(answer: unknown): Refused | null {
  const { partialSuccess } = (answer ?? {}) as {
    partialSuccess?: { rejectedSpans?: unknown; errorMessage?: unknown } | null;
  };
  // 64 bits: a number, text or an object that writes itself as one, by protocol and version.
  const spans = Number(String(partialSuccess?.rejectedSpans ?? 0));
  if (!Number.isFinite(spans) || spans <= 0) return null;
  const { errorMessage } = partialSuccess ?? {};
  return { spans, message: typeof errorMessage === 'string' ? errorMessage.slice(0, 400) : '' };
}
