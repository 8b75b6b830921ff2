/** Failures as gRPC says them: a code, a text, and google.rpc.Status with its details in `grpc-status-details-bin`. */

import { Metadata, type StatusObject } from '@grpc/grpc-js';
import { isUnexpected, RequestError, toRequestError } from './errors.ts';
import { cutUtf8, encodeStatus } from './respond.ts';

/** The text goes out three times, percent-encoded once and in base64 twice, and many peers take no more than 8 KiB of headers. */
const TEXT_BYTES = 512;

/** The status that answers anything thrown while serving a call; `onFailure` hears of what is not the sender's own mistake. */
export function failureStatus(thrown: unknown, onFailure: (error: RequestError) => void): StatusObject {
  const error = toRequestError(thrown);
  if (isUnexpected(error)) onFailure(error);
  const { retryAfterSeconds } = error;
  const short = new RequestError(error.code, cutUtf8(error.message, TEXT_BYTES), { retryAfterSeconds });
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(encodeStatus(short, 'protobuf')));
  return { code: short.grpcCode, details: short.message, metadata };
}
