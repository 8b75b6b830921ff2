/**
 * Sign-in of the dashboard: a token is handed in once, and from then on a cookie stands for it that no script can read. Such sessions live
 * in this process alone, so that a restart signs everybody out. Whoever signed in at an identity provider (oidc.ts) has a cookie from which any
 * receiver makes the token. Each request still asks whether the token holds: one that is revoked ends its sessions within the same seconds
 * as everywhere else.
 *
 *   POST /ui/session, or /oidc/callback -> cookie -> `use` puts the token where `authenticate` looks for it
 */

import { createHash } from 'node:crypto';
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import type pg from 'pg';
import { z } from 'zod';
import type { VerifiedToken } from '../auth.ts';
import { revokeToken } from '../store/tokens.ts';
import type { Caller, VerifyCaller } from './access.ts';
import { check } from './input.ts';
import type { Oidc } from './oidc.ts';
import { type BeginSession, oidcRoutes } from './oidc_routes.ts';
import { Problem, unauthorized } from './problem.ts';
import { newSessionValue, readSessionCookie, setSessionCookie } from './session_cookie.ts';
import type { SessionState, SignedOut } from './shape_session.ts';
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
  verifyToken: VerifyCaller;
  codes: SignInCodes;
  /** null: people sign in with tokens alone. */
  oidc: Oidc | null;
  /** Speaks as runledger_operator. */
  operators: pg.Pool;
  version: string;
}

export interface Sessions {
  /** GET, POST and DELETE /ui/session, and the way to the identity provider and back. */
  routes: Router;
  /** Lets a good cookie stand for its token, and refuses changes that the dashboard did not ask for. */
  use: RequestHandler;
}

export function createSessions(deps: SessionDeps): Sessions {
  const { oidc, verifyToken, operators } = deps;
  const kept = createKeptSessions();

  const tokenOf = (req: Request): string | null => {
    const value = isOwnPage(req) ? readSessionCookie(req) : null;
    if (value === null) return null;
    return kept.find(value) ?? oidc?.tokenOf(value) ?? null;
  };

  const open = (req: Request, res: Response, token: string) => {
    const value = newSessionValue();
    kept.add(value, token);
    setSessionCookie(req, res, value, LONGEST_MS, isBehindTls(req));
  };

  /** Whoever signed in at the provider has a row of their own, which ends with the session wherever it is used. */
  const forget = async (value: string | null): Promise<Caller | null> => {
    if (value === null) return null;
    kept.remove(value);
    const caller = oidc === null ? null : await verifyToken(oidc.tokenOf(value));
    if (caller !== null) await revokeToken(operators, caller.tokenId);
    return caller;
  };

  const begin: BeginSession = async (req, res, { value, maxAgeMs, before }) => {
    for (const old of new Set(before)) await forget(old);
    setSessionCookie(req, res, value, maxAgeMs, oidc?.settings.publicUrl.startsWith('https:') === true);
  };

  const routes = Router();
  routes.use(sessionRoutes(deps, { tokenOf, open, forget }));
  if (oidc !== null) routes.use(oidcRoutes(oidc, begin));
  return { routes, use: useSession(tokenOf) };
}

/** Those that began with a token. Keyed by a hash, so that a dump of the memory's keys opens nothing. */
function createKeptSessions() {
  const sessions = new Map<string, Session>();
  return {
    find(value: string): string | null {
      const session = sessions.get(keyOf(value));
      if (session === undefined) return null;
      const nowMs = Date.now();
      if (nowMs > session.endsAtMs || nowMs - session.usedAtMs > IDLE_MS) {
        sessions.delete(keyOf(value));
        return null;
      }
      session.usedAtMs = nowMs;
      return session.token;
    },
    add(value: string, token: string): void {
      const nowMs = Date.now();
      sessions.set(keyOf(value), { token, usedAtMs: nowMs, endsAtMs: nowMs + LONGEST_MS });
      for (const oldest of sessions.keys()) {
        if (sessions.size <= SESSIONS_MAX) break;
        sessions.delete(oldest);
      }
    },
    remove(value: string): void {
      sessions.delete(keyOf(value));
    },
  };
}

interface SessionActs {
  tokenOf(req: Request): string | null;
  open(req: Request, res: Response, token: string): void;
  /** @returns who had signed in at the identity provider */
  forget(value: string | null): Promise<Caller | null>;
}

function sessionRoutes({ verifyToken, codes, oidc, version }: SessionDeps, acts: SessionActs): Router {
  const router = Router();
  const stateOf = (caller: Caller | null) => describe(caller, oidc, version);
  router.use('/ui/session', (_req, res, next) => {
    res.set('Cache-Control', 'no-store');
    next();
  });

  // 200 either way: whether somebody is signed in is a question, and its answer no error.
  router.get('/ui/session', async (req, res) => {
    const token = acts.tokenOf(req);
    res.json(stateOf(token === null ? null : await verifyToken(token)));
  });

  router.post('/ui/session', requireUiHeader, express.json({ limit: BODY_BYTES, inflate: false }), async (req, res) => {
    const body = check(signInBody, req.body);
    const token = 'token' in body ? body.token.trim() : codes.redeem(body.code);
    const caller = token === null ? null : await verifyToken(token);
    if (token === null || caller === null) throw refusedSignIn('code' in body);
    assertReads(caller);
    await acts.forget(readSessionCookie(req));
    acts.open(req, res, token);
    res.json(stateOf(caller));
  });

  router.delete('/ui/session', requireUiHeader, async (req, res) => {
    setSessionCookie(req, res, '', 0, isBehindTls(req));
    const wasPerson = (await acts.forget(readSessionCookie(req))) !== null;
    const url = wasPerson ? (oidc?.signOutUrl() ?? null) : null;
    if (url === null) res.status(204).end();
    else res.json({ continue_at: url } satisfies SignedOut);
  });

  return router;
}

function useSession(tokenOf: SessionActs['tokenOf']): RequestHandler {
  return (req, _res, next) => {
    const token = req.headers.authorization === undefined ? tokenOf(req) : null;
    if (token !== null) {
      if (req.method !== 'GET' && req.method !== 'HEAD') assertUiHeader(req);
      req.headers.authorization = `Bearer ${token}`;
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

function describe(caller: Caller | null, oidc: Oidc | null, version: string): SessionState {
  const offer = oidc?.offer() ?? null;
  if (caller === null || caller.kind === 'ingest') return { signed_in: false, oidc: offer, version };
  const { kind, tenantId, scopes, person = null } = caller;
  return {
    signed_in: true,
    kind,
    tenant_id: tenantId,
    can_review: kind === 'admin' || scopes.includes('review'),
    person,
    oidc: offer,
    version,
  };
}

/** Behind a proxy that ends TLS only the browser knows, and its Origin says so. */
function isBehindTls(req: Request): boolean {
  return req.headers.origin?.startsWith('https:') === true;
}

function keyOf(value: string): string {
  return createHash('sha256').update(value).digest('base64');
}
