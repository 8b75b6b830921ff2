/**
 * Sign-in of the dashboard: a token is handed in once, and from then on a cookie stands for it that no script can read. Sessions live in
 * this process alone, so that a restart signs everybody out, and each request still asks whether the token holds: one that is revoked
 * ends its sessions within the same seconds as everywhere else.
 *
 *   POST /ui/session -> cookie -> `use` puts the token where `authenticate` looks for it
 */

import { createHash, randomBytes } from 'node:crypto';
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import { z } from 'zod';
import type { VerifiedToken, VerifyToken } from '../auth.ts';
import { check } from './input.ts';
import { Problem, unauthorized } from './problem.ts';
import type { SessionState } from './shape_session.ts';
import type { SignInCodes } from './sign_in_codes.ts';

/** Sent by the dashboard with every change. A page of another origin cannot set it without asking first, and is never told yes. */
export const UI_HEADER = 'x-runledger-ui';

const IDLE_MS = 12 * 3_600_000;
const LONGEST_MS = 7 * 86_400_000;
const SESSIONS_MAX = 2_000;
const BODY_BYTES = 4 * 1024;

const signInBody = z.union([
  z.strictObject({ token: z.string().min(1).max(512) }),
  z.strictObject({ code: z.string().min(1).max(128) }),
]);

interface Session {
  token: string;
  usedAtMs: number;
  endsAtMs: number;
}

export interface SessionDeps {
  verifyToken: VerifyToken;
  codes: SignInCodes;
  version: string;
}

export interface Sessions {
  /** GET, POST and DELETE /ui/session. */
  routes: Router;
  /** Lets a good cookie stand for its token, and refuses changes that the dashboard did not ask for. */
  use: RequestHandler;
}

export function createSessions(deps: SessionDeps): Sessions {
  // Keyed by a hash, so that a dump of the memory's keys opens nothing.
  const sessions = new Map<string, Session>();

  const find = (req: Request): Session | null => {
    const id = isOwnPage(req) ? readCookie(req) : null;
    const session = id === null ? undefined : sessions.get(keyOf(id));
    if (id === null || session === undefined) return null;
    const nowMs = Date.now();
    if (nowMs > session.endsAtMs || nowMs - session.usedAtMs > IDLE_MS) {
      sessions.delete(keyOf(id));
      return null;
    }
    session.usedAtMs = nowMs;
    return session;
  };

  const open = (req: Request, res: Response, token: string) => {
    const id = randomBytes(32).toString('base64url');
    const nowMs = Date.now();
    sessions.set(keyOf(id), { token, usedAtMs: nowMs, endsAtMs: nowMs + LONGEST_MS });
    for (const oldest of sessions.keys()) {
      if (sessions.size <= SESSIONS_MAX) break;
      sessions.delete(oldest);
    }
    setCookie(req, res, id, LONGEST_MS);
  };

  const forget = (req: Request) => {
    const id = readCookie(req);
    if (id !== null) sessions.delete(keyOf(id));
  };

  return { routes: sessionRoutes(deps, { find, open, forget }), use: useSession(find) };
}

interface SessionActs {
  find(req: Request): Session | null;
  open(req: Request, res: Response, token: string): void;
  forget(req: Request): void;
}

function sessionRoutes({ verifyToken, codes, version }: SessionDeps, acts: SessionActs): Router {
  const router = Router();
  router.use('/ui/session', (_req, res, next) => {
    res.set('Cache-Control', 'no-store');
    next();
  });

  // 200 either way: whether somebody is signed in is a question, and its answer no error.
  router.get('/ui/session', async (req, res) => {
    const session = acts.find(req);
    const caller = session === null ? null : await verifyToken(session.token);
    res.json(stateOf(caller, version));
  });

  router.post('/ui/session', requireUiHeader, express.json({ limit: BODY_BYTES, inflate: false }), async (req, res) => {
    const body = check(signInBody, req.body);
    const token = 'token' in body ? body.token.trim() : codes.redeem(body.code);
    const caller = token === null ? null : await verifyToken(token);
    if (token === null || caller === null) throw refusedSignIn('code' in body);
    assertReads(caller);
    acts.forget(req);
    acts.open(req, res, token);
    res.json(stateOf(caller, version));
  });

  router.delete('/ui/session', requireUiHeader, (req, res) => {
    acts.forget(req);
    setCookie(req, res, '', 0);
    res.status(204).end();
  });

  return router;
}

function useSession(find: SessionActs['find']): RequestHandler {
  return (req, _res, next) => {
    const session = req.headers.authorization === undefined ? find(req) : null;
    if (session !== null) {
      if (req.method !== 'GET' && req.method !== 'HEAD') assertUiHeader(req);
      req.headers.authorization = `Bearer ${session.token}`;
    }
    next();
  };
}

const requireUiHeader: RequestHandler = (req, _res, next) => {
  assertUiHeader(req);
  if (!isOwnPage(req)) throw new Problem(403, 'Only the dashboard itself signs in and out');
  next();
};

function assertUiHeader(req: Request): void {
  if (req.headers[UI_HEADER] === undefined) {
    throw new Problem(403, `A change that is asked for with the dashboard's cookie needs the header ${UI_HEADER}: 1`);
  }
}

/** Browsers say where a request comes from; a page on another port of this machine is the same site and yet not us. */
function isOwnPage(req: Request): boolean {
  const from = req.headers['sec-fetch-site'];
  return from === undefined || from === 'same-origin' || from === 'none';
}

function refusedSignIn(wasCode: boolean): Problem {
  return unauthorized(
    wasCode
      ? 'This link was used before or is older than 15 minutes; sign in with a token'
      : 'The token is not known, has expired or was revoked; `runledger token create --kind admin` prints a new one',
  );
}

/** @throws Problem 403 for a token that could sign in and then see nothing */
function assertReads(caller: VerifiedToken): void {
  if (caller.kind === 'ingest' || (caller.kind === 'tenant' && !caller.scopes.includes('read'))) {
    throw new Problem(
      403,
      'This token only sends telemetry; sign in with an admin token or a tenant token of scope read',
    );
  }
}

function stateOf(caller: VerifiedToken | null, version: string): SessionState {
  if (caller === null || caller.kind === 'ingest') return { signed_in: false, version };
  const { kind, tenantId, scopes } = caller;
  return {
    signed_in: true,
    kind,
    tenant_id: tenantId,
    can_review: kind === 'admin' || scopes.includes('review'),
    version,
  };
}

/** Cookies are shared by all ports of a host, so that two ledgers on one machine each need a name of their own. */
function cookieName(req: Request): string {
  const port = /:(\d+)$/.exec(req.headers.host ?? '')?.[1];
  return port === undefined ? 'runledger' : `runledger_${port}`;
}

function readCookie(req: Request): string | null {
  const name = cookieName(req);
  for (const pair of (req.headers.cookie ?? '').split(';')) {
    const [key, value] = pair.trim().split('=');
    if (key === name && value !== undefined && /^[\w-]{43}$/.test(value)) return value;
  }
  return null;
}

function setCookie(req: Request, res: Response, value: string, maxAgeMs: number): void {
  // Behind a proxy that ends TLS only the browser knows, and its Origin says so.
  const secure = req.headers.origin?.startsWith('https:') === true;
  res.cookie(cookieName(req), value, { httpOnly: true, sameSite: 'strict', path: '/', maxAge: maxAgeMs, secure });
}

function keyOf(id: string): string {
  return createHash('sha256').update(id).digest('base64');
}
