/**
 * One POST to a host that is not ours: one connection, no redirects, five seconds in all, and of the answer nothing but its status leaves
 * this file; the first characters of its body are shown to a judge, for kinds of channel whose status alone does not tell.
 */

import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { checkUrl, guardedLookup } from './address.ts';

/** From the first look at the name to the last byte of the answer that is read. */
const TIMEOUT_MS = 5_000;
/** More of an answer than this is not read. */
const ANSWER_BYTES_MAX = 4_096;
const HEADER_BYTES_MAX = 16_384;

export interface PostRequest {
  url: string;
  body: string;
  headers: Readonly<Record<string, string>>;
  allowPrivate: boolean;
  /** Looks at up to 4 KiB of a 2xx answer's body; false: the other side says yes with its status and no with its words. */
  believes?(answer: string): boolean;
}

/**
 * What came of it. `failure` is a status or a kind of failure, in words that hold nothing of the URL and of the answer.
 * refused: the same request will be refused again, so that a few tries are enough.
 */
export type PostOutcome =
  | { ok: true; status: number }
  | { ok: false; status: number | null; failure: string; refused: boolean; retryAfterMs: number | null };

/** Never rejects. @param lookup for tests of names that resolve to what they should not */
export function post(request: PostRequest, lookup = guardedLookup(request.allowPrivate)): Promise<PostOutcome> {
  const checked = checkUrl(request.url, request.allowPrivate);
  if ('problem' in checked) return Promise.resolve(failed(`the address ${checked.problem}`, { refused: true }));
  return new Promise((resolve) => {
    const send = checked.url.protocol === 'https:' ? requestHttps : requestHttp;
    let sent: ClientRequest | undefined;
    let outcome: PostOutcome | undefined;
    const settle = (found: PostOutcome) => {
      outcome ??= found;
      clearTimeout(timer);
      sent?.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => settle(failed('no answer within 5 s')), TIMEOUT_MS);
    try {
      sent = send(checked.url, {
        method: 'POST',
        // Also keeps this request off every agent that the process may have been given.
        agent: false,
        lookup,
        maxHeaderSize: HEADER_BYTES_MAX,
        headers: {
          'user-agent': 'runledger',
          accept: '*/*',
          ...request.headers,
          'content-length': String(Buffer.byteLength(request.body)),
          connection: 'close',
        },
      });
      sent.on('error', (error) => settle(failedBy(error)));
      sent.on('close', () => settle(failed('the connection was closed without an answer')));
      sent.on('response', (answer) => judge(answer, request, settle));
      sent.end(request.body);
    } catch (error) {
      settle(failedBy(error));
    }
  });
}

function judge(answer: IncomingMessage, { believes }: PostRequest, settle: (outcome: PostOutcome) => void): void {
  const status = answer.statusCode ?? 0;
  answer.on('error', (error) => settle(failedBy(error)));
  if (status < 200 || status > 299) {
    settle(refusedWith(status, answer.headers['retry-after']));
    return;
  }
  if (believes === undefined) {
    // The status is the answer, whatever its body does afterwards.
    settle({ ok: true, status });
    return;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  const finish = () => {
    const text = Buffer.concat(chunks).subarray(0, ANSWER_BYTES_MAX).toString('utf8');
    if (believes(text)) settle({ ok: true, status });
    else settle(failed(`status ${status}, but the answer does not say that it was taken`, { status, refused: true }));
  };
  answer.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= ANSWER_BYTES_MAX) finish();
  });
  answer.on('end', finish);
}

/** Of the channel's own making: the next request will be answered alike until somebody changes the channel. */
const REFUSALS = new Set([400, 401, 403, 404, 405, 410, 413, 415, 422]);

function refusedWith(status: number, retryAfter: string | undefined): PostOutcome {
  const isRedirect = status >= 300 && status <= 399;
  const failure = isRedirect ? `status ${status}: redirects are not followed` : `status ${status}`;
  return failed(failure, {
    status,
    refused: isRedirect || REFUSALS.has(status),
    retryAfterMs: readRetryAfter(retryAfter, Date.now()),
  });
}

/** Seconds, or a date; null for anything else. */
export function readRetryAfter(text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const atMs = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}

/** Only the code: messages of errors name hosts, addresses and pieces of what the other side sent. */
function failedBy(error: unknown): PostOutcome {
  const code = codeOf(error);
  if (code === 'ADDRESS_REFUSED') return failed('the name resolves to a private or special address', { refused: true });
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return failed(`the name does not resolve (${code})`);
  if (code === null) return failed('the connection failed');
  return failed(/CERT|SSL|TLS|SIGNED|ISSUER/.test(code) ? `TLS failed (${code})` : `the connection failed (${code})`);
}

function codeOf(error: unknown): string | null {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(error.code) ? error.code : null;
}

function failed(
  failure: string,
  more: { status?: number; refused?: boolean; retryAfterMs?: number | null } = {},
): PostOutcome {
  const { status = null, refused = false, retryAfterMs = null } = more;
  return { ok: false, status, failure, refused, retryAfterMs };
}
