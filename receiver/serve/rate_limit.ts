/** How much one token may ask of the API, so that a script in a loop leaves room for the others. Ingest has its own bounds. */

import type { RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import { callerOf } from './access.ts';
import { Problem } from './problem.ts';

const MINUTE_MS = 60_000;

/** @param perMinute requests of one token; counted in this process */
export function limitRate(perMinute: number): RequestHandler {
  return rateLimit({
    windowMs: MINUTE_MS,
    limit: perMinute,
    // Retry-After is what clients act upon; the draft's own headers are not settled.
    legacyHeaders: false,
    standardHeaders: false,
    keyGenerator: (_req, res) => String(callerOf(res).tokenId),
    handler(req, _res, next) {
      const { resetTime } = (req as typeof req & { rateLimit?: { resetTime?: Date } }).rateLimit ?? {};
      const seconds = Math.max(1, Math.ceil(((resetTime?.getTime() ?? Date.now() + MINUTE_MS) - Date.now()) / 1000));
      next(
        new Problem(429, `This token asked ${perMinute} times within a minute; go on in ${seconds} s`, {
          headers: { 'Retry-After': String(seconds) },
        }),
      );
    },
  });
}
