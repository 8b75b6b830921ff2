/**
 * What the API answers when it cannot answer: application/problem+json (RFC 9457) that says what to fix. The last middleware of the
 * API turns every error into one of these; nothing of our insides (stack, SQL, driver text) leaves the process.
 */

import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { errorCode, isRetryable } from '../store/errors.ts';

const TITLES: Record<number, string> = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  413: 'Body too large',
  415: 'Unsupported media type',
  421: 'Misdirected request',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Unavailable',
};

export interface ProblemOptions {
  /** More members of the answer, such as the list of runs that an ambiguous id names. */
  members?: Record<string, unknown>;
  headers?: Record<string, string>;
}

/** An answer other than success; `detail` says what to do about it. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly members: Record<string, unknown>;
  readonly headers: Record<string, string>;

  constructor(status: number, detail: string, options: ProblemOptions = {}) {
    super(detail);
    this.status = status;
    this.members = options.members ?? {};
    this.headers = options.headers ?? {};
  }
}

export function unauthorized(detail: string): Problem {
  return new Problem(401, detail, { headers: { 'WWW-Authenticate': 'Bearer realm="runledger"' } });
}

export function unavailable(detail: string): Problem {
  return new Problem(503, detail, { headers: { 'Retry-After': '2' } });
}

export function sendProblem(res: Response, problem: Problem): void {
  const body = {
    type: 'about:blank',
    title: TITLES[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.message,
    ...problem.members,
  };
  // An export that fails before its first byte has set these already; they would be wrong here, and a trailer without chunks is an error.
  for (const header of ['Trailer', 'Content-Disposition']) res.removeHeader(header);
  res.status(problem.status).set(problem.headers).type('application/problem+json').send(JSON.stringify(body));
}

export const noSuchRoute: RequestHandler = (req) => {
  throw new Problem(404, `There is nothing at ${req.method} ${req.path}; GET / lists the routes`);
};

/** The API's last middleware. After headers are out the only honest sign of an error is a broken transfer. */
export function problemHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, req, res, _next) => {
    const problem = toProblem(error);
    if (problem.status >= 500)
      log.error({ err: error, method: req.method, route: req.route?.path }, 'api request failed');
    if (res.headersSent) res.destroy();
    else sendProblem(res, problem);
  };
}

/** Problems as they are; body-parser's and router's own 4xx by their status; the database's by SQLSTATE; the rest is ours: 500. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { status, type } = readHttpError(error);
  const code = errorCode(error);
  if (status !== null && status >= 400 && status < 500) return new Problem(status, clientDetail(status, type));
  if (code === '57014')
    return unavailable('The database took too long; ask for less (a shorter time, a smaller limit) or try again');
  if (isRetryable(error)) return unavailable('The database cannot answer at the moment; try again');
  // 22: a value that PostgreSQL cannot take although our own checks let it pass, such as a time far out of its range.
  if (code?.startsWith('22') === true)
    return new Problem(400, 'A value is outside the range that the database can hold');
  return new Problem(500, 'This is a fault of Runledger; its log has the details');
}

function readHttpError(error: unknown): { status: number | null; type: string } {
  if (typeof error !== 'object' || error === null) return { status: null, type: '' };
  const { status, type } = error as { status?: unknown; type?: unknown };
  return { status: typeof status === 'number' ? status : null, type: typeof type === 'string' ? type : '' };
}

function clientDetail(status: number, type: string): string {
  if (type === 'entity.parse.failed') return 'The body is not valid JSON';
  if (status === 413) return 'The body is larger than this route takes';
  if (status === 415) return 'Send the body as application/json in UTF-8 without compression';
  return 'The request could not be read; check its path, headers and body';
}
