/**
 * The HTTP API on port 8080. Reads and changes through two database roles, so that what a caller may see and touch is decided by the
 * database; signals of runs go through the writer.
 *
 *   Host check -> headers -> dashboard, its sign-in (token, OpenID Connect) | start page | health, runbooks, openapi.json | token or cookie -> rate -> routes.ts -> problem+json
 */

import express from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { LIMITS } from '../limits.ts';
import { authenticate, type ScopePools, type VerifyCaller } from './access.ts';
import type { ChannelDeps } from './channels.ts';
import { type HealthDeps, healthRoutes } from './health.ts';
import { hostGuard } from './host.ts';
import type { StoredKey } from './input.ts';
import type { ReceiverHealth } from './installation.ts';
import { createOidc, type OidcDeps } from './oidc.ts';
import { openApiRoute } from './openapi.ts';
import { noSuchRoute, problemHandler } from './problem.ts';
import { limitRate } from './rate_limit.ts';
import { mount } from './route.ts';
import { apiRoutes } from './routes.ts';
import type { RunSignals } from './run_changes.ts';
import { runbookRoutes } from './runbooks.ts';
import type { RunLinks } from './runs.ts';
import { createSessions } from './session.ts';
import { createSignInCodes, type SignInCodes } from './sign_in_codes.ts';
import { startPage } from './start_page.ts';
import { createUi } from './ui.ts';

export interface ApiDeps extends ScopePools, HealthDeps, RunLinks, ChannelDeps {
  /** Resolves with null for a token that does not hold; rejects when the database cannot be asked. */
  verifyToken: VerifyCaller;
  /** How a run key is stored: addresses and secrets in it are not. As it is, by default. */
  storedKey?: StoredKey;
  /** What this process received; null by default: it receives nothing. */
  receiverHealth?: ReceiverHealth;
  /** Of one token; default LIMITS.apiRequestsPerMinute. */
  requestsPerMinute?: number;
  /** Takes signals of runs; null by default: POST /runs and cancel are 503. */
  signals?: RunSignals | null;
  /** Of links that sign in with one click; none are handed out without it. */
  signInCodes?: SignInCodes;
  /** Sign-in at an identity provider; null by default: with tokens alone. */
  oidc?: OidcDeps | null;
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
  const { verifyToken, version, operators, log, signInCodes: codes = createSignInCodes() } = deps;
  const oidc = deps.oidc ? createOidc({ ...deps.oidc, operators, log }) : null;
  const sessions = createSessions({ verifyToken, codes, oidc, operators, version });
  const ui = createUi();
  const routes = apiRoutes({ storedKey: (key) => key, receiverHealth: () => null, signals: null, ...deps });
  app.use(sessions.routes);
  app.use(ui.routes);
  app.get('/', startPage(version, ui.isBuilt, routes));
  app.use(sessions.use);
  app.use(healthRoutes({ ...deps, signIn: oidc?.state }));
  app.use(runbookRoutes(ui.isBuilt));
  app.use(openApiRoute(routes, version));
  app.use((_req, res, next) => {
    res.set('Cache-Control', 'no-store');
    next();
  });
  app.use(authenticate(deps.verifyToken));
  app.use(limitRate(deps.requestsPerMinute ?? LIMITS.apiRequestsPerMinute));
  app.use(mount(routes, deps));
  app.use(noSuchRoute);
  app.use(problemHandler(deps.log));
  return app;
}
