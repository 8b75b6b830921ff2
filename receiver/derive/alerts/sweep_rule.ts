/** One rule, judged and written in one transaction: its alerts, and the messages about what changed. */

import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '../../store/pool.ts';
import { loadSql } from '../../store/sql.ts';
import { tellNewChannels } from './catch_up.ts';
import type { Finding } from './finding.ts';
import { type JudgedRule, judge } from './judge.ts';
import type { MessageLinks } from './message.ts';
import { readTenants } from './message_facts.ts';
import { readOpenAlerts, writeChanges } from './open_alerts.ts';
import { putMessages } from './outbox.ts';
import { composeAll, withGoodRuns } from './tell.ts';

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
  const written = await writeChanges(client, rule, await withGoodRuns(client, rule, changes, now));
  const said = written.filter(({ change }) => change.event !== null);
  const messages = await composeAll(client, rule, said, tenants, links);
  const put = await putMessages(client, messages, now);
  const caughtUp = await tellNewChannels(client, rule, tenants, links, now);
  return {
    events: said.flatMap(({ change: { event } }) => (event === null ? [] : [{ event }])),
    messages: put + caughtUp,
  };
}

/** Switched off for everybody, with nobody who has it on. */
function isUsed({ enabled, overrides }: JudgedRule): boolean {
  return enabled || overrides.some((one) => one.enabled === true);
}
