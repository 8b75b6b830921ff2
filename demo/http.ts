/** Plain HTTP of the demo's pipeline: one request with a time limit, and what it means when the answer is no. */

import { ACCOUNT_HEADER } from './vendor_server.ts';

/** The other side failed. Carries the HTTP status and the vendor's own code, where there are such. */
export class VendorError extends Error {
  override readonly name = 'VendorError';
  readonly status: number | undefined;
  readonly code: string | undefined;

  constructor(message: string, facts: { status?: number; code?: string; cause?: unknown }) {
    super(message, { cause: facts.cause });
    this.status = facts.status;
    this.code = facts.code;
  }
}

export interface Request {
  url: string;
  account: string;
  signal: AbortSignal;
  timeoutMs: number;
  /** Sent as JSON by POST; without it GET is used. */
  body?: object;
}

export interface Response {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON, null when it is none. */
  json: unknown;
}

/** @throws VendorError TIMEOUT or CONNECTION_LOST; the signal's reason when the whole demo is called off */
export async function request(asked: Request): Promise<Response> {
  // Not AbortSignal.any with AbortSignal.timeout: Node 20 may collect the pair as garbage before the time is up, and the request then hangs.
  const limit = new AbortController();
  const timer = setTimeout(
    () => limit.abort(new VendorError('no answer in time', { code: 'TIMEOUT' })),
    asked.timeoutMs,
  );
  const callOff = () => limit.abort(asked.signal.reason);
  asked.signal.addEventListener('abort', callOff, { once: true });
  try {
    asked.signal.throwIfAborted();
    return await exchange(asked, limit.signal);
  } catch (error) {
    limit.signal.throwIfAborted();
    throw new VendorError('the connection was lost', { code: 'CONNECTION_LOST', cause: error });
  } finally {
    clearTimeout(timer);
    asked.signal.removeEventListener('abort', callOff);
  }
}

async function exchange({ url, account, body }: Request, signal: AbortSignal): Promise<Response> {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { [ACCOUNT_HEADER]: account, ...(body !== undefined && { 'content-type': 'application/json' }) },
    signal,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parse(text) };
}

/** The error that an answer means, or null when it is good. */
export function errorOf({ status, json }: Response): VendorError | null {
  const { error } = (json ?? {}) as {
    error?: { message?: string; code?: unknown; type?: string; data?: { name: string } };
  };
  if (status < 400 && error?.data === undefined) return null;
  const code = error?.data?.name ?? (typeof error?.code === 'string' ? error.code : error?.type);
  return new VendorError(error?.message ?? `answered ${status}`, {
    ...(status >= 400 && { status }),
    ...(code !== undefined && { code }),
  });
}

/** How long an answer asks to wait, by the header that some vendors give in milliseconds, else by Retry-After in seconds. */
export function waitMsOf({ headers }: Response): number {
  const ms = Number(headers.get('retry-after-ms') ?? Number.NaN);
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  if (Number.isFinite(ms)) return ms;
  return Number.isFinite(seconds) ? seconds * 1000 : 100;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
