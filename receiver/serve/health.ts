/** /healthz: the process answers. /readyz: it can do its work. /metrics: Prometheus, open on loopback and else for admins. */

import { type RequestHandler, Router } from 'express';
import type { VerifyToken } from '../auth.ts';
import { isLoopback } from '../config.ts';
import { readCaller } from './access.ts';
import { Problem, unauthorized } from './problem.ts';

export interface Readiness {
  /** `checks`: what was looked at -> `ok`, or what is wrong with it. Holds no secrets. */
  check(): Promise<{ ready: boolean; checks: Record<string, string> }>;
}

export interface HealthDeps {
  readiness: Readiness;
  metrics: RequestHandler;
  verifyToken: VerifyToken;
  bindHost: string;
  /** Whether people can sign in at the identity provider: told, and never a reason to send no spans here. */
  signIn?: (() => string) | undefined;
}

export function healthRoutes(deps: HealthDeps): Router {
  const router = Router();

  router.get('/healthz', (_req, res) => {
    res.json({ status: 'ok' });
  });

  router.get('/readyz', async (_req, res) => {
    const { ready, checks } = await deps.readiness.check();
    if (!ready) res.set('Retry-After', '2');
    const more = deps.signIn === undefined ? {} : { sign_in: deps.signIn() };
    res.status(ready ? 200 : 503).json({ ready, checks: { ...checks, ...more } });
  });

  router.get('/metrics', metricsGuard(deps), deps.metrics);

  return router;
}

/** What a process does says much about its tenants' business, so that beyond loopback a scraper needs a token. */
function metricsGuard({ bindHost, verifyToken }: HealthDeps): RequestHandler {
  const open = isLoopback(bindHost);
  return async (req, res, next) => {
    const caller = req.headers.authorization === undefined ? null : await readCaller(req, verifyToken);
    if (!open && caller === null) throw unauthorized('Off loopback, /metrics needs an admin token');
    if (!open && caller?.kind !== 'admin') throw new Problem(403, 'Off loopback, /metrics needs an admin token');
    res.locals.caller = caller;
    next();
  };
}
