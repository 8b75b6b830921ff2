/** What people do to alerts: acknowledge and snooze, each with a record of who did it and why. */

import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '../../store/pool.ts';
import { loadSql } from '../../store/sql.ts';
import type { AlertState, Numbers, Severity } from './finding.ts';

export interface ListedAlert {
  tenant_id: number;
  tenant_name: string | null;
  alert_id: number;
  rule: string;
  code: string;
  title: string;
  kind: string;
  environment: string;
  pipeline: string;
  subject: string;
  severity: Severity;
  state: AlertState;
  run_id: number | null;
  run_key: string | null;
  numbers: Numbers;
  fired_at: Date;
  last_bad_at: Date;
  acked_at: Date | null;
  acked_by: string | null;
  snoozed_until: Date | null;
  snoozed_by: string | null;
  note: string | null;
  resolved_at: Date | null;
  resolved_because: string | null;
}

export interface ListFilter {
  /** null: all. */
  tenantId: number | null;
  withResolved: boolean;
  limit: number;
}

/** @param pool of runledger_operator or runledger_owner */
export async function listAlerts(pool: Pool, { tenantId, withResolved, limit }: ListFilter): Promise<ListedAlert[]> {
  const sql = loadSql('queries/alerts/list_alerts');
  return (await pool.query<ListedAlert>(sql, [tenantId, withResolved, limit])).rows;
}

export interface Act {
  /** Who does it. */
  by: string;
  note: string | null;
  now: Date;
}

export interface ActedAlert {
  tenant_id: number;
  alert_id: number;
  code: string;
}

/** Stops its reminders until it is resolved, or pages after it warned. @returns null when there is no such open alert */
export function acknowledge(pool: Pool, alertId: number, act: Act): Promise<ActedAlert | null> {
  return actOn(pool, 'queries/alerts/ack_alert', 'alert_ack', alertId, act, act.now, null);
}

/** Says nothing of it until then, unless it gets worse. @returns null when there is no such open alert */
export function snooze(pool: Pool, alertId: number, until: Date, act: Act): Promise<ActedAlert | null> {
  return actOn(pool, 'queries/alerts/snooze_alert', 'alert_snooze', alertId, act, until, {
    until: until.toISOString(),
  });
}

function actOn(
  pool: Pool,
  sql: 'queries/alerts/ack_alert' | 'queries/alerts/snooze_alert',
  name: string,
  alertId: number,
  { by, note, now }: Act,
  time: Date,
  details: object | null,
): Promise<ActedAlert | null> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<ActedAlert>(loadSql(sql), [alertId, by, note, time]);
    const acted = rows[0];
    if (acted === undefined) return null;
    const { tenant_id: tenantId } = acted;
    await recordAct(client, { tenantId, actor: by, act: name, object: `alert ${alertId}`, reason: note, details }, now);
    return acted;
  });
}

export interface RecordedAct {
  tenantId: number;
  actor: string;
  act: string;
  object: string;
  reason: string | null;
  details: object | null;
}

export async function recordAct(client: Pool | PoolClient, act: RecordedAct, now: Date): Promise<void> {
  const details = act.details === null ? null : JSON.stringify(act.details);
  const { tenantId, actor, object, reason } = act;
  await client.query(loadSql('queries/alerts/add_act'), [tenantId, now, actor, act.act, object, reason, details]);
}
