/**
 * The HTTP API on port 8080. Reads through two database roles, so that what a caller may see is decided by the database; the only
 * things it changes are tokens and tenants.
 *
 *   Host check -> headers -> health | start page | token -> runs, export | admin -> tokens, tenants -> problem+json
 */

import express from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { VerifyToken } from '../auth.ts';
import { authenticate, type ScopePools } from './access.ts';
import { adminRoutes } from './admin.ts';
import { exportRoutes } from './exports.ts';
import { type HealthDeps, healthRoutes } from './health.ts';
import { hostGuard } from './host.ts';
import { noSuchRoute, problemHandler } from './problem.ts';
import { type RunLinks, runRoutes } from './runs.ts';
import { startPage } from './start_page.ts';

export interface ApiDeps extends ScopePools, HealthDeps, RunLinks {
  /** Resolves with null for a token that does not hold; rejects when the database cannot be asked. */
  verifyToken: VerifyToken;
  version: string;
  log: Logger;
}

export function createApi(deps: ApiDeps): express.Express {
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.set('query parser', 'simple');
  app.use(hostGuard(deps.bindHost));
  // No HSTS: whether this name is served over TLS is for the proxy in front to say.
  app.use(
    helmet({
      strictTransportSecurity: false,
      contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"] } },
    }),
  );
  app.get('/', startPage(deps.version));
  app.use(healthRoutes(deps));
  app.use((_req, res, next) => {
    res.set('Cache-Control', 'no-store');
    next();
  });
  app.use(authenticate(deps.verifyToken));
  app.use(runRoutes(deps, deps));
  app.use(exportRoutes(deps));
  app.use(adminRoutes(deps.operators));
  app.use(noSuchRoute);
  app.use(problemHandler(deps.log));
  return app;
}
