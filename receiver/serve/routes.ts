/** All routes that need a token, in the order in which the document and GET / list them. */

import { adminRoutes } from './admin_routes.ts';
import { alertChangeRoutes } from './alert_changes.ts';
import { alertRoutes } from './alerts.ts';
import { type ChannelDeps, channelRoutes } from './channels.ts';
import { costRoutes } from './costs.ts';
import { exportRoutes } from './exports.ts';
import { type InstallationDeps, installationRoutes } from './installation.ts';
import { qaRoutes } from './qa.ts';
import { qaChangeRoutes } from './qa_changes.ts';
import { quotaRoutes } from './quotas.ts';
import type { Route } from './route.ts';
import { ruleRoutes } from './rules.ts';
import { type RunChangeDeps, runChangeRoutes } from './run_changes.ts';
import { eventRoutes } from './run_events.ts';
import { runRoutes } from './runs.ts';
import { tenantMetricsRoutes } from './tenant_metrics.ts';
import { trendRoutes } from './trends.ts';

export interface RouteDeps extends RunChangeDeps, InstallationDeps, ChannelDeps {}

export function apiRoutes(deps: RouteDeps): Route[] {
  return [
    ...runRoutes(deps),
    ...runChangeRoutes(deps),
    ...eventRoutes(deps),
    ...exportRoutes(deps),
    ...qaRoutes(deps),
    ...qaChangeRoutes(deps),
    ...alertRoutes(deps),
    ...alertChangeRoutes(deps),
    ...trendRoutes(),
    ...costRoutes(),
    ...tenantMetricsRoutes(),
    ...installationRoutes(deps),
    ...channelRoutes(deps),
    ...ruleRoutes(),
    ...adminRoutes(),
    ...quotaRoutes(),
  ];
}
