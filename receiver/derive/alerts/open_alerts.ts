/** Open alerts in the database: read before a rule is judged, written after. The key of an alert is its subject; the rule is the caller's. */

import type { PoolClient } from 'pg';
import { loadSql } from '../../store/sql.ts';
import type { AlertRecord } from './decide.ts';
import type { AlertState, AlertSubject, Numbers, Severity } from './finding.ts';
import { type Change, keyOf, type OpenAlert } from './judge.ts';

export interface StoredAlert extends OpenAlert {
  alertId: number;
  /** As the database has it, to the microsecond. */
  snoozedUntilText: string | null;
}

/** What is to be written of one alert. */
export type AlertWrite = Change<StoredAlert> & { resolvedRunId: number | null };

export interface WrittenAlert {
  alertId: number;
  change: AlertWrite;
}

interface OpenRow {
  tenant_id: number;
  alert_id: number;
  environment: string;
  pipeline: string;
  subject: string;
  severity: Severity;
  state: AlertState;
  run_id: number | null;
  numbers: Numbers;
  fired_at: Date;
  last_bad_at: Date;
  reminded_at: Date | null;
  snoozed_until: Date | null;
  snoozed_until_text: string | null;
}

export async function readOpenAlerts(client: PoolClient, rule: string): Promise<StoredAlert[]> {
  const { rows } = await client.query<OpenRow>(loadSql('queries/alerts/read_open'), [rule]);
  return rows.map((row) => ({
    alertId: row.alert_id,
    subject: {
      tenantId: row.tenant_id,
      environment: row.environment,
      pipeline: row.pipeline,
      subject: row.subject,
    },
    record: recordOf(row),
    snoozedUntilText: row.snoozed_until_text,
  }));
}

function recordOf(row: OpenRow): AlertRecord {
  return {
    severity: row.severity,
    state: row.state,
    runId: row.run_id,
    numbers: row.numbers,
    firedAt: row.fired_at,
    lastBadAt: row.last_bad_at,
    remindedAt: row.reminded_at,
    snoozedUntil: row.snoozed_until,
    resolvedAt: null,
    resolvedBecause: null,
  };
}

/**
 * Writes what was decided.
 * @returns those really written: one that another session opened, acknowledged or snoozed meanwhile is left as it is
 */
export async function writeChanges(
  client: PoolClient,
  rule: { rule: string; code: string },
  changes: readonly AlertWrite[],
): Promise<WrittenAlert[]> {
  const opening = changes.filter(({ before }) => before === null);
  const changing = changes.filter(({ before }) => before !== null);
  return [...(await open(client, rule, opening)), ...(await update(client, changing))];
}

async function open(
  client: PoolClient,
  { rule, code }: { rule: string; code: string },
  changes: readonly AlertWrite[],
): Promise<WrittenAlert[]> {
  if (changes.length === 0) return [];
  const rows = changes.map(({ subject, record: after }) => ({
    ...columnsOf(subject),
    rule,
    code,
    severity: after.severity,
    run_id: after.runId,
    numbers: after.numbers,
    fired_at: after.firedAt,
    last_bad_at: after.lastBadAt,
  }));
  const written = await client.query<Pick<OpenRow, 'tenant_id' | 'alert_id' | 'environment' | 'pipeline' | 'subject'>>(
    loadSql('queries/alerts/open_alerts'),
    [JSON.stringify(rows)],
  );
  const ids = new Map(
    written.rows.map((row) => [
      keyOf({ tenantId: row.tenant_id, environment: row.environment, pipeline: row.pipeline, subject: row.subject }),
      row.alert_id,
    ]),
  );
  return changes.flatMap((change) => {
    const alertId = ids.get(keyOf(change.subject));
    return alertId === undefined ? [] : [{ alertId, change }];
  });
}

function columnsOf({ tenantId, environment, pipeline, subject }: AlertSubject) {
  return { tenant_id: tenantId, environment, pipeline, subject };
}

async function update(client: PoolClient, changes: readonly AlertWrite[]): Promise<WrittenAlert[]> {
  const all = changes.flatMap((change) => (change.before === null ? [] : [{ change, before: change.before }]));
  if (all.length === 0) return [];
  const rows = all.map(({ change: { subject, record: after, resolvedRunId }, before }) => ({
    tenant_id: subject.tenantId,
    alert_id: before.alertId,
    severity: after.severity,
    state: after.state,
    run_id: after.runId,
    numbers: after.numbers,
    last_bad_at: after.lastBadAt,
    reminded_at: after.remindedAt,
    // What nobody changed keeps its microseconds.
    snoozed_until: after.snoozedUntil === before.record.snoozedUntil ? before.snoozedUntilText : after.snoozedUntil,
    resolved_at: after.resolvedAt,
    resolved_run_id: resolvedRunId,
    resolved_because: after.resolvedBecause,
    was_state: before.record.state,
    was_severity: before.record.severity,
    was_reminded_at: before.record.remindedAt,
    was_snoozed_until: before.snoozedUntilText,
  }));
  const written = await client.query<{ tenant_id: number; alert_id: number }>(loadSql('queries/alerts/update_alerts'), [
    JSON.stringify(rows),
  ]);
  const ids = new Set(written.rows.map((row) => row.alert_id));
  return all.flatMap(({ change, before }) => (ids.has(before.alertId) ? [{ alertId: before.alertId, change }] : []));
}
