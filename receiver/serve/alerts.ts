/** GET /alerts and /alerts/:id. */

import { z } from 'zod';
import type { Queryable } from './access.ts';
import { cursorId, cursorInt, cursorTime, cutPage, decodeCursor } from './cursor.ts';
import { count, cursor, idParams, runRefParam, tenantRef, text } from './input.ts';
import { Problem } from './problem.ts';
import { readLine, readLines, readRun, resolveTenant } from './read.ts';
import { type Route, route } from './route.ts';
import { type RunRouteDeps, runLinks } from './runs.ts';
import {
  ALERT_STATES,
  type AlertDetail,
  type AlertLine,
  type AlertPage,
  alertDetail,
  alertPage,
} from './shape_alerts.ts';

const alertsQuery = z.strictObject({
  tenant: tenantRef.optional(),
  state: z
    .string()
    .transform((states) => states.split(','))
    .pipe(z.array(z.enum(ALERT_STATES)).min(1).max(ALERT_STATES.length))
    .optional()
    .describe('One or more of firing, acked, snoozed, resolved, with commas'),
  code: z
    .string()
    .regex(/^[A-Z]{2}-[0-9]{2}$/, { error: 'is not a code such as CR-02' })
    .optional(),
  pipeline: text(256).optional(),
  environment: text(256).optional(),
  run: runRefParam.optional().describe('A run id or run key'),
  limit: count(200).default(50),
  cursor: cursor.optional(),
});
type AlertsQuery = z.output<typeof alertsQuery>;
const alertKey = z.tuple([cursorInt, cursorTime, cursorId, cursorInt]);

type RankedAlert = AlertLine & { rank: number };

export function alertRoutes(deps: RunRouteDeps): Route[] {
  return [
    route({
      method: 'get',
      path: '/alerts',
      access: 'read',
      summary: 'Alerts: firing, acked, snoozed, resolved, and within each the newest first',
      query: alertsQuery,
      answer: alertPage,
      handle: ({ query }, { scope }) =>
        scope.read(async (client) => {
          const tenantId = await resolveTenant(client, scope, query.tenant);
          const run = query.run === undefined ? null : await readRun(client, query.run, tenantId, deps.storedKey);
          return readAlerts(client, run?.tenant_id ?? tenantId, query, run?.run_id ?? null);
        }),
    }),
    route({
      method: 'get',
      path: '/alerts/:id',
      access: 'read',
      summary: 'One alert with its deliveries and what people did about it',
      params: idParams,
      answer: alertDetail,
      handle: ({ params }, { scope }) => scope.read((client) => readAlert(client, params.id, deps)),
    }),
  ];
}

async function readAlerts(
  client: Queryable,
  tenantId: number | null,
  query: AlertsQuery,
  runId: number | null,
): Promise<AlertPage> {
  const after = decodeCursor(alertKey, query.cursor) ?? [null, null, null, null];
  const lines = await readLines<RankedAlert>(client, 'queries/serve/alerts', [
    tenantId,
    query.state ?? null,
    query.code ?? null,
    query.pipeline ?? null,
    query.environment ?? null,
    runId,
    null,
    ...after,
    query.limit + 1,
  ]);
  const { shown, next_cursor } = cutPage(lines, query.limit, (alert) => [
    alert.rank,
    alert.fired_at,
    alert.alert_id,
    alert.tenant_id,
  ]);
  return {
    alerts: shown.map(({ rank: _, ...alert }) => alert),
    next_cursor,
    open: await readLine<AlertPage['open']>(client, 'queries/serve/open_alerts', [tenantId]),
  };
}

/** @throws Problem 404 for one that is not there, or is another tenant's */
export async function readAlertLine(client: Queryable, alertId: number): Promise<AlertLine> {
  const filters = [null, null, null, null, null, null, alertId, null, null, null, null, 1];
  const [found] = await readLines<RankedAlert>(client, 'queries/serve/alerts', filters);
  if (found === undefined) throw new Problem(404, `There is no alert ${alertId}`);
  const { rank: _, ...alert } = found;
  return alert;
}

export async function readAlert(client: Queryable, alertId: number, deps: RunRouteDeps): Promise<AlertDetail> {
  const alert = await readAlertLine(client, alertId);
  const runId = alert.run?.run_id ?? null;
  const { run, ...record } = await readLine<
    Pick<AlertDetail, 'deliveries' | 'acts'> & {
      run: { trace_id: string | null; langsmith_trace_url: string | null } | null;
    }
  >(client, 'queries/serve/alert_record', [alert.tenant_id, alertId, runId]);
  return {
    ...alert,
    ...record,
    links: {
      runbook: `/runbooks/${alert.code}`,
      run: runId === null ? null : `/runs/${runId}?tenant=${alert.tenant_id}`,
      ...(run === null ? { jaeger: null, langsmith: null } : runLinks(run, deps)),
    },
  };
}
