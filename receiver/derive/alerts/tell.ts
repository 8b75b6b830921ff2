/** From changes of alerts to messages about them: the run that shows each, names, links. The sweep and the simulation tell alike. */

import type { PoolClient } from 'pg';
import type { AlertMessage } from './finding.ts';
import type { Change, JudgedRule, OpenAlert } from './judge.ts';
import { composeMessage, type MessageLinks } from './message.ts';
import { placeKey, readLatestRuns, readRunFacts, runRefKey, type TenantFacts } from './message_facts.ts';

export type ToldChange<O extends OpenAlert> = Change<O> & { resolvedRunId: number | null };

/** Adds the run that shows that it is good again, where one does. */
export async function withGoodRuns<O extends OpenAlert>(
  client: PoolClient,
  rule: JudgedRule,
  changes: readonly Change<O>[],
  asOf: Date,
): Promise<ToldChange<O>[]> {
  const isGood = ({ record }: Change<O>) => record.resolvedBecause === 'good';
  const subjects = changes.filter(isGood).map(({ subject }) => subject);
  const goodRuns = await readLatestRuns(client, rule.kind, subjects, asOf);
  return changes.map((change) => ({
    ...change,
    resolvedRunId: isGood(change) ? (goodRuns.get(placeKey(change.subject)) ?? null) : null,
  }));
}

/** The messages about those changes that have one. */
export async function composeAll<O extends OpenAlert>(
  client: PoolClient,
  rule: JudgedRule,
  told: readonly { alertId: number; change: ToldChange<O> }[],
  tenants: ReadonlyMap<number, TenantFacts>,
  links: MessageLinks,
): Promise<AlertMessage[]> {
  const refs = told.map(({ change }) => shownRun(change));
  const runs = await readRunFacts(
    client,
    refs.filter((ref) => ref !== null),
  );
  return told.flatMap(({ alertId, change }, index) => {
    const { event, record, subject } = change;
    if (event === null) return [];
    const ref = refs[index];
    const run = ref == null ? null : (runs.get(runRefKey(ref)) ?? null);
    const tenantName = tenants.get(subject.tenantId)?.name ?? null;
    const eventAt = eventTime(change);
    return [composeMessage({ event, eventAt, alertId, rule, subject, record, tenantName, run, links })];
  });
}

function shownRun<O extends OpenAlert>(change: ToldChange<O>): { tenantId: number; runId: number } | null {
  const runId = change.change === 'resolve' ? change.resolvedRunId : change.record.runId;
  return runId === null ? null : { tenantId: change.subject.tenantId, runId };
}

function eventTime({ event, record }: Change<OpenAlert>): Date {
  if (event === 'resolved') return record.resolvedAt ?? record.lastBadAt;
  return event === 'fired' ? record.firedAt : (record.remindedAt ?? record.lastBadAt);
}
