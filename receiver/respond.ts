/**
 * The bytes of OTLP answers: Export<signal>ServiceResponse on success and google.rpc.Status on failure, in either encoding
 * (OTLP specification, "OTLP/HTTP Response"). Both servers take their texts from here; nothing here touches a socket.
 */

import protobuf from 'protobufjs/minimal.js';
import type { Encoding } from './decode/shape.ts';
import type { RequestError } from './errors.ts';
import { LIMITS } from './limits.ts';

export type Signal = 'traces' | 'logs' | 'metrics';

export interface PartialSuccess {
  rejected: number;
  /** '' with rejected 0 means full success: partial_success stays unset. */
  message: string;
}

const REJECTED_KEY = {
  traces: 'rejectedSpans',
  logs: 'rejectedLogRecords',
  metrics: 'rejectedDataPoints',
} as const satisfies Record<Signal, string>;

const BAD_REQUEST_TYPE = 'type.googleapis.com/google.rpc.BadRequest';
const RETRY_INFO_TYPE = 'type.googleapis.com/google.rpc.RetryInfo';

/** The media type of an answer is that of its request. */
export const MEDIA_TYPE = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
} as const satisfies Record<Encoding, string>;

/** Protobuf, and so JSON here, gives an empty message when everything was accepted without a word: zero bytes, or `{}`. */
export function encodeExportResponse(signal: Signal, encoding: Encoding, partial: PartialSuccess): Uint8Array {
  const message = cutUtf8(partial.message, LIMITS.partialMessageBytes);
  const isFull = partial.rejected === 0 && message === '';
  if (encoding === 'json') {
    // A 64-bit integer is a decimal string in proto3 JSON.
    const rejected = partial.rejected === 0 ? {} : { [REJECTED_KEY[signal]]: String(partial.rejected) };
    return jsonBytes(isFull ? {} : { partialSuccess: { ...rejected, errorMessage: message } });
  }
  const writer = protobuf.Writer.create();
  if (isFull) return writer.finish();
  writer.uint32(10).fork();
  if (partial.rejected !== 0) writer.uint32(8).int64(partial.rejected);
  if (message !== '') writer.uint32(18).string(message);
  return writer.ldelim().finish();
}

/** google.rpc.Status with BadRequest details for a bad body and RetryInfo for what may be sent again. */
export function encodeStatus(error: RequestError, encoding: Encoding): Uint8Array {
  const message = cutUtf8(error.message, LIMITS.partialMessageBytes);
  return encoding === 'json' ? encodeJsonStatus(error, message) : encodeProtobufStatus(error, message);
}

function encodeJsonStatus(error: RequestError, message: string): Uint8Array {
  const details = error.retryable
    ? [{ '@type': RETRY_INFO_TYPE, retryDelay: `${error.retryAfterSeconds}s` }]
    : error.code === 'bad_body'
      ? [{ '@type': BAD_REQUEST_TYPE, fieldViolations: [{ field: 'body', description: message }] }]
      : undefined;
  return jsonBytes({ code: error.grpcCode, message, ...(details && { details }) });
}

function encodeProtobufStatus(error: RequestError, message: string): Uint8Array {
  const writer = protobuf.Writer.create().uint32(8).int32(error.grpcCode).uint32(18).string(message);
  if (error.retryable) writeAny(writer, RETRY_INFO_TYPE, encodeRetryInfo(error.retryAfterSeconds));
  else if (error.code === 'bad_body') writeAny(writer, BAD_REQUEST_TYPE, encodeBadRequest(message));
  return writer.finish();
}

/** Status.details, field 3: Any { type_url = 1, value = 2 }. */
function writeAny(writer: protobuf.Writer, type: string, value: Uint8Array): void {
  writer.uint32(26).fork().uint32(10).string(type).uint32(18).bytes(value).ldelim();
}

/** RetryInfo { retry_delay = 1: Duration { seconds = 1 } }. */
function encodeRetryInfo(seconds: number): Uint8Array {
  return protobuf.Writer.create().uint32(10).fork().uint32(8).int64(seconds).ldelim().finish();
}

/** BadRequest { field_violations = 1: { field = 1, description = 2 } }. */
function encodeBadRequest(description: string): Uint8Array {
  const writer = protobuf.Writer.create().uint32(10).fork();
  return writer.uint32(10).string('body').uint32(18).string(description).ldelim().finish();
}

function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** At most `bytes` bytes of UTF-8, cut between characters; a lone surrogate becomes U+FFFD. */
export function cutUtf8(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  if (encoded.length <= bytes) return encoded.toString();
  let end = bytes;
  // A continuation byte (10xxxxxx) at the cut means that a character began before it.
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return encoded.toString('utf8', 0, end);
}
