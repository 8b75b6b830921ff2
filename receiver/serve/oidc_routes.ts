/** GET /oidc/start and /oidc/callback: the browser's way to the identity provider and back. Both answer with where to go next, and nothing else. */

import { timingSafeEqual } from 'node:crypto';
import { type CookieOptions, type Request, type Response, Router } from 'express';
import type { Oidc, SignInEnd } from './oidc.ts';
import { ATTEMPT_MINUTES, safeReturnTo } from './oidc_attempt.ts';
import { whyNot } from './oidc_fetch.ts';
import { Problem } from './problem.ts';
import { readCookie, readSessionCookie } from './session_cookie.ts';

/** Puts a session in the place of what the browser had. @param before values of its cookie until now */
export type BeginSession = (
  req: Request,
  res: Response,
  session: { value: string; maxAgeMs: number; before: readonly (string | null)[] },
) => Promise<void>;

export function oidcRoutes(oidc: Oidc, beginSession: BeginSession): Router {
  const router = Router();
  const cookie = attemptCookie(oidc.settings.publicUrl);
  router.use('/oidc', (req, res, next) => {
    // An attempt is good once, and HEAD would be answered as GET is.
    if (req.method !== 'GET') throw new Problem(405, 'Browsers come here to sign in', { headers: { Allow: 'GET' } });
    res.set('Cache-Control', 'no-store');
    next();
  });

  router.get('/oidc/start', async (req, res) => {
    const returnTo = safeReturnTo(req.query.return_to);
    const { tenant } = req.query;
    const wanted = typeof tenant === 'string' && /^[a-z0-9][a-z0-9._-]{0,63}$/.test(tenant) ? tenant : null;
    const wish = { returnTo, tenant: wanted, replaces: readSessionCookie(req) };
    const begun = await oidc.begin(wish).catch(whyNot);
    if (typeof begun === 'string') return lead(res, { ok: false, trouble: 'away' }, returnTo);
    res.cookie(cookie.name, await oidc.seal.seal(begun.attempt), {
      ...cookie.options,
      maxAge: ATTEMPT_MINUTES * 60_000,
    });
    res.redirect(302, begun.url);
  });

  router.get('/oidc/callback', async (req, res) => {
    const search = new URLSearchParams(req.originalUrl.split('?')[1] ?? '');
    const attempt = await oidc.seal.open(readCookie(req, cookie.name));
    // Without the cookie of this very attempt, somebody else began it, and this browser must not end up as them.
    if (attempt === null || !isSame(search.get('state') ?? '', attempt.state)) {
      return lead(res, { ok: false, trouble: 'elsewhere' }, attempt?.returnTo ?? safeReturnTo(null));
    }
    res.clearCookie(cookie.name, cookie.options);
    const end = await oidc.end(search, attempt);
    if (end.ok) await beginSession(req, res, { ...end, before: [attempt.replaces, readSessionCookie(req)] });
    lead(res, end, attempt.returnTo);
  });

  return router;
}

/** Lax, because the browser comes back from another site; the session's own cookie is Strict. */
function attemptCookie(publicUrl: string): { name: string; options: CookieOptions } {
  const { protocol, port } = new URL(publicUrl);
  const secure = protocol === 'https:';
  // The prefix keeps hosts beside ours from writing this cookie; without TLS browsers refuse it.
  const name = `${secure ? '__Host-' : ''}runledger_attempt${port === '' ? '' : `_${port}`}`;
  return { name, options: { httpOnly: true, sameSite: 'lax', path: '/', secure } };
}

/** Trouble is a word for the page, which has the sentences: nothing of a request or of the provider gets into an address of ours. */
function lead(res: Response, end: SignInEnd, returnTo: string): void {
  if (end.ok) {
    res.redirect(303, returnTo);
    return;
  }
  const query = new URLSearchParams({ trouble: end.trouble, to: returnTo });
  if (end.tenants !== undefined) query.set('tenants', end.tenants.join(' '));
  res.redirect(303, `/ui/sign-in?${query}`);
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
