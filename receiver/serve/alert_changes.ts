/** POST /alerts/:id/ack and /snooze. Firing and resolving are the rules' alone. */

import { z } from 'zod';
import { loadSql } from '../store/sql.ts';
import type { Queryable } from './access.ts';
import { actorOf, note, person, recordAct } from './act.ts';
import { readAlert, readAlertLine } from './alerts.ts';
import { idParams } from './input.ts';
import { Problem } from './problem.ts';
import { type Asked, type Route, route } from './route.ts';
import type { RunRouteDeps } from './runs.ts';
import { type AlertDetail, alertDetail } from './shape_alerts.ts';

const SNOOZE_DAYS_MAX = 30;
const DAY_MS = 86_400_000;

const ack = z.strictObject({ by: person, note: note.optional() });
const snooze = z
  .strictObject({
    by: person,
    note: note.optional(),
    until: z.iso.datetime({ offset: true, error: 'is not a time like 2027-01-01T00:00:00Z' }).optional(),
    minutes: z
      .int()
      .min(1)
      .max(SNOOZE_DAYS_MAX * 1440)
      .optional(),
  })
  .refine((body) => (body.until === undefined) !== (body.minutes === undefined), {
    path: ['until'],
    error: 'or minutes must be given, and not both',
  });

export function alertChangeRoutes(deps: RunRouteDeps): Route[] {
  const also = { 409: 'The alert is resolved' };
  return [
    route({
      method: 'post',
      path: '/alerts/:id/ack',
      access: 'review',
      summary: 'Somebody looks after it: no more reminders',
      params: idParams,
      body: ack,
      answer: alertDetail,
      also,
      handle: ({ params, body }, asked) =>
        changeAlert(params.id, deps, asked, 'alert_ack', body, (client) =>
          client.query(loadSql('queries/alerts/ack_alert'), [
            params.id,
            actorOf(asked.caller, body.by),
            body.note ?? null,
            asked.now,
          ]),
        ),
    }),
    route({
      method: 'post',
      path: '/alerts/:id/snooze',
      access: 'review',
      summary: 'Nothing is sent about it until a time, unless it gets worse',
      params: idParams,
      body: snooze,
      answer: alertDetail,
      also,
      handle({ params, body }, asked) {
        const until = snoozedUntil(body, asked.now);
        return changeAlert(params.id, deps, asked, 'alert_snooze', { ...body, until: until.toISOString() }, (client) =>
          client.query(loadSql('queries/alerts/snooze_alert'), [
            params.id,
            actorOf(asked.caller, body.by),
            body.note ?? null,
            until,
          ]),
        );
      },
    }),
  ];
}

/** @throws Problem 400 for a time that is past or too far */
function snoozedUntil(body: z.output<typeof snooze>, now: Date): Date {
  const until = new Date(body.until ?? now.getTime() + (body.minutes ?? 0) * 60_000);
  if (until <= now) throw new Problem(400, 'until is in the past');
  if (until.getTime() - now.getTime() > SNOOZE_DAYS_MAX * DAY_MS) {
    throw new Problem(400, `until is more than ${SNOOZE_DAYS_MAX} days away; change the rule instead`);
  }
  return until;
}

/** @throws Problem 404, or 409 for one that is resolved */
function changeAlert(
  alertId: number,
  deps: RunRouteDeps,
  { scope, caller, now }: Asked,
  act: string,
  body: { by: string; note?: string | undefined; until?: string | undefined },
  change: (client: Queryable) => Promise<{ rowCount: number | null }>,
): Promise<AlertDetail> {
  return scope.change(async (client) => {
    const before = await readAlertLine(client, alertId);
    const { rowCount } = await change(client);
    if (rowCount !== 1) {
      throw new Problem(409, `Alert ${alertId} is resolved; there is nothing to look after any more`, {
        members: { resolved_at: before.resolved_at, resolved_because: before.resolved_because },
      });
    }
    const details = { from: before.state, ...(body.until === undefined ? {} : { until: body.until }) };
    const { tenant_id: tenantId } = before;
    const line = { tenantId, by: body.by, act, object: `alert ${alertId}`, reason: body.note ?? null, details };
    await recordAct(client, caller, line, now);
    return readAlert(client, alertId, deps);
  });
}
