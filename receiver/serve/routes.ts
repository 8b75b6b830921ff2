/** All routes that need a token, in the order in which the document and GET / list them. */

import type { ScopePools } from './access.ts';
import { adminRoutes } from './admin.ts';
import { alertRoutes } from './alerts.ts';
import { exportRoutes } from './exports.ts';
import { type InstallationDeps, installationRoutes } from './installation.ts';
import { qaRoutes } from './qa.ts';
import type { Route } from './route.ts';
import { eventRoutes } from './run_events.ts';
import { type RunRouteDeps, runRoutes } from './runs.ts';
import { trendRoutes } from './trends.ts';

export interface RouteDeps extends ScopePools, RunRouteDeps, InstallationDeps {}

export function apiRoutes(deps: RouteDeps): Route[] {
  return [
    ...runRoutes(deps),
    ...eventRoutes(deps),
    ...exportRoutes(deps),
    ...qaRoutes(deps),
    ...alertRoutes(deps),
    ...trendRoutes(),
    ...installationRoutes(deps),
    ...adminRoutes(deps.operators),
  ];
}
