/** The dashboard's cookie: what it is called, and who may read and send it. */

import { randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';

/** 256 random bits, as text that fits into a cookie. */
export function newSessionValue(): string {
  return randomBytes(32).toString('base64url');
}

/** Cookies are shared by all ports of a host, so that two ledgers on one machine each need a name of their own. */
function cookieName(req: Request): string {
  const port = /:(\d+)$/.exec(req.headers.host ?? '')?.[1];
  return port === undefined ? 'runledger' : `runledger_${port}`;
}

/** null: there is none that could be ours. */
export function readSessionCookie(req: Request): string | null {
  const value = readCookie(req, cookieName(req));
  return value !== null && /^[\w-]{43}$/.test(value) ? value : null;
}

export function readCookie(req: Request, name: string): string | null {
  for (const pair of (req.headers.cookie ?? '').split(';')) {
    const [key, value] = pair.trim().split('=');
    if (key === name && value !== undefined) return value;
  }
  return null;
}

/** @param maxAgeMs 0 takes it away */
export function setSessionCookie(req: Request, res: Response, value: string, maxAgeMs: number, secure: boolean): void {
  res.cookie(cookieName(req), value, { httpOnly: true, sameSite: 'strict', path: '/', maxAge: maxAgeMs, secure });
}
