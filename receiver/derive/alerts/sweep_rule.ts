/** One rule, judged and written in one transaction: its alerts, and the messages about what changed. */

import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '../../store/pool.ts';
import { loadSql } from '../../store/sql.ts';
import type { AlertMessage, Finding } from './finding.ts';
import { type JudgedRule, judge } from './judge.ts';
import { composeMessage, type MessageLinks } from './message.ts';
import { placeKey, readLatestRuns, readRunFacts, readTenants, runRefKey, type TenantFacts } from './message_facts.ts';
import { type AlertWrite, readOpenAlerts, type WrittenAlert, writeChanges } from './open_alerts.ts';
import { putMessages } from './outbox.ts';

/** A rule reads counters of runs, never events; one that takes longer is at fault and must not keep the others waiting. */
const RULE_TIMEOUT_MS = 60_000;

export interface RuleSweepOptions {
  /** Default: the clock, read for each rule when its turn has come. */
  now?: Date;
  links: MessageLinks;
}

export interface SweepResult {
  fired: number;
  escalated: number;
  reminded: number;
  resolved: number;
  /** Put into the outbox: one for each message and channel. */
  messages: number;
  /** Rules that another receiver judges at this moment. */
  busy: number;
  /** Rules that could not be judged; they are in the log. */
  failed: number;
}

export function emptyResult(): SweepResult {
  return { fired: 0, escalated: 0, reminded: 0, resolved: 0, messages: 0, busy: 0, failed: 0 };
}

/** Says what is bad as of a moment; a subject that it does not name is good. */
export type FindingSource = (client: PoolClient, asOf: Date) => Promise<Finding[]>;

/** Judges one rule and adds what it did to `result`. @throws the database error; nothing of the rule is written then */
export async function sweepRule(
  pool: Pool,
  rule: JudgedRule,
  findings: FindingSource,
  options: RuleSweepOptions,
  result: SweepResult,
): Promise<void> {
  const done = await inTransaction(pool, async (client) => {
    await client.query(loadSql('queries/derive/begin_long_work'), [String(RULE_TIMEOUT_MS)]);
    const { rows } = await client.query<{ locked: boolean }>(loadSql('queries/alerts/try_lock_rule'), [rule.rule]);
    if (rows[0]?.locked !== true) return null;
    return sweepLocked(client, rule, findings, options.now ?? new Date(), options.links);
  });
  if (done === null) {
    result.busy++;
    return;
  }
  for (const { event } of done.events) result[COUNTED_AS[event]]++;
  result.messages += done.messages;
}

const COUNTED_AS = { fired: 'fired', escalated: 'escalated', reminder: 'reminded', resolved: 'resolved' } as const;

type Said = { event: keyof typeof COUNTED_AS };

async function sweepLocked(
  client: PoolClient,
  rule: JudgedRule,
  findings: FindingSource,
  now: Date,
  links: MessageLinks,
): Promise<{ events: Said[]; messages: number }> {
  const found = isUsed(rule) ? await findings(client, now) : [];
  const open = await readOpenAlerts(client, rule.rule);
  const tenants = await readTenants(
    client,
    [...found, ...open.map(({ subject }) => subject)].map(({ tenantId }) => tenantId),
  );
  const disabled = new Set([...tenants].filter(([, { isDisabled }]) => isDisabled).map(([tenantId]) => tenantId));
  const changes = judge(rule, found, open, disabled, now);
  const goodRuns = await readLatestRuns(
    client,
    rule.kind,
    changes.filter(({ record }) => record.resolvedBecause === 'good').map(({ subject }) => subject),
    now,
  );
  const writes = changes.map((change): AlertWrite => {
    const isGood = change.record.resolvedBecause === 'good';
    return { ...change, resolvedRunId: isGood ? (goodRuns.get(placeKey(change.subject)) ?? null) : null };
  });
  const written = await writeChanges(client, rule, writes);
  const said = written.filter(({ change }) => change.event !== null);
  const messages = await composeAll(client, rule, said, tenants, links, now);
  const put = await putMessages(client, messages, now);
  return { events: said.flatMap(({ change: { event } }) => (event === null ? [] : [{ event }])), messages: put };
}

/** Switched off for everybody, with nobody who has it on. */
function isUsed({ enabled, overrides }: JudgedRule): boolean {
  return enabled || overrides.some((one) => one.enabled === true);
}

async function composeAll(
  client: PoolClient,
  rule: JudgedRule,
  said: readonly WrittenAlert[],
  tenants: ReadonlyMap<number, TenantFacts>,
  links: MessageLinks,
  now: Date,
): Promise<AlertMessage[]> {
  const shown = said.map(({ change }) => {
    const runId = change.change === 'resolve' ? change.resolvedRunId : change.record.runId;
    return runId === null ? null : { tenantId: change.subject.tenantId, runId };
  });
  const runs = await readRunFacts(
    client,
    shown.filter((run) => run !== null),
  );
  return said.flatMap(({ alertId, change }, index) => {
    const { event, record, subject } = change;
    if (event === null) return [];
    const ref = shown[index];
    const run = ref == null ? null : (runs.get(runRefKey(ref)) ?? null);
    const eventAt = record.resolvedAt ?? (event === 'fired' ? record.firedAt : (record.remindedAt ?? now));
    const tenantName = tenants.get(subject.tenantId)?.name ?? null;
    return [composeMessage({ event, eventAt, alertId, rule, subject, record, tenantName, run, links })];
  });
}
