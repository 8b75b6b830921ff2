/**
 * The closed list of ways in which a request can fail, with what each means in HTTP and gRPC. Every answer that is no success takes its
 * status from here. OTLP clients resend only 429, 502, 503 and 504 and drop their data on anything else, so whatever may pass later,
 * bugs included, is 503.
 */

import { DecodeError } from './decode/shape.ts';
import { LIMITS } from './limits.ts';

interface Failure {
  status: number;
  /** google.rpc.Code. */
  grpcCode: number;
  /** Answers carry Retry-After, and gRPC RetryInfo. */
  retryable: boolean;
  message: string;
}

const FAILURES = {
  bad_body: { status: 400, grpcCode: 3, retryable: false, message: 'The request body could not be read' },
  bad_request: { status: 400, grpcCode: 3, retryable: false, message: 'The request is not valid HTTP' },
  unauthenticated: {
    status: 401,
    grpcCode: 16,
    retryable: false,
    message: 'A valid token is needed: send the header "Authorization: Bearer <token>"',
  },
  forbidden: { status: 403, grpcCode: 7, retryable: false, message: 'This token may not send telemetry' },
  not_found: {
    status: 404,
    grpcCode: 5,
    retryable: false,
    message: 'No such path: OTLP is received at /v1/traces, /v1/logs and /v1/metrics',
  },
  method_not_allowed: { status: 405, grpcCode: 12, retryable: false, message: 'Only POST is allowed here' },
  request_timeout: { status: 408, grpcCode: 4, retryable: false, message: 'The request took too long to arrive' },
  body_too_large: { status: 413, grpcCode: 8, retryable: false, message: 'The request body is too large' },
  unsupported_media_type: {
    status: 415,
    grpcCode: 3,
    retryable: false,
    message: 'Content-Type must be application/x-protobuf or application/json',
  },
  too_many_requests: { status: 429, grpcCode: 8, retryable: true, message: 'Too many requests: send again later' },
  headers_too_large: { status: 431, grpcCode: 8, retryable: false, message: 'The request headers are too large' },
  unavailable: {
    status: 503,
    grpcCode: 14,
    retryable: true,
    message: 'The ledger cannot store data right now: send again later',
  },
} as const satisfies Record<string, Failure>;

export type FailureCode = keyof typeof FAILURES;
export const FAILURE_CODES = Object.keys(FAILURES) as FailureCode[];

/** A failure with a known answer. `message` goes to the sender: it says what to fix and never holds payload text or secrets. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: FailureCode;
  readonly status: number;
  readonly grpcCode: number;
  readonly retryable: boolean;
  /** For a failure that may pass. */
  readonly retryAfterSeconds: number;

  constructor(code: FailureCode, message?: string, options?: { cause?: unknown; retryAfterSeconds?: number }) {
    const failure = FAILURES[code];
    super(message ?? failure.message, options);
    this.retryAfterSeconds = options?.retryAfterSeconds ?? LIMITS.retryAfterSeconds;
    this.code = code;
    this.status = failure.status;
    this.grpcCode = failure.grpcCode;
    this.retryable = failure.retryable;
  }
}

/** The answer to anything thrown while serving a request: a body that is no message is 400, what we do not know is 503. */
export function toRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  if (error instanceof DecodeError) return new RequestError('bad_body', error.message, { cause: error });
  return new RequestError('unavailable', undefined, { cause: error });
}

/** Whether the operator should hear of it: everything that is not the sender's own mistake. */
export function isUnexpected(error: RequestError): boolean {
  return error.code === 'unavailable' && error.cause !== undefined;
}
