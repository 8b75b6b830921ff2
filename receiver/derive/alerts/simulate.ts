/**
 * What the rules as they are now would have said of the past: each sweep judged as of its moment, with the state of alerts in memory. Nothing
 * is written and nothing is sent.
 */

import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '../../store/pool.ts';
import { loadSql } from '../../store/sql.ts';
import { evaluateRule } from './evaluate.ts';
import type { AlertMessage } from './finding.ts';
import { type Change, judge, keyOf, type OpenAlert } from './judge.ts';
import { type LoadedRule, loadRules } from './load_rules.ts';
import type { MessageLinks } from './message.ts';
import { readTenants, type TenantFacts } from './message_facts.ts';
import { composeAll, withGoodRuns } from './tell.ts';

export interface SimulateOptions {
  from: Date;
  to: Date;
  /** null: all. */
  tenantId: number | null;
  /** Name of a rule or code of its runbook; null: all. */
  rule: string | null;
  /** The longest time between two looks; looks at what runs do come in between. */
  stepMinutes: number;
  links: MessageLinks;
  onProgress?(done: number, total: number): void;
}

export interface Simulation {
  /** In the order in which they would have been sent. Alert ids count from 1. */
  messages: AlertMessage[];
  /** Alerts that are open at the end. */
  open: number;
  /** Sweeps that were looked at. */
  sweeps: number;
  /** Rules that cannot be judged, and why. */
  problems: { rule: string; problem: string }[];
}

/** Work of one statement; the transaction as a whole may take as long as its period is long. */
const STATEMENT_MS = 5 * 60_000;

/** The rule or tenant that was asked for is not there. */
export class SimulateError extends Error {
  override readonly name = 'SimulateError';
}

interface Simulated extends OpenAlert {
  alertId: number;
}

/** What one simulation holds from sweep to sweep. */
interface Scene {
  client: PoolClient;
  options: SimulateOptions;
  tenants: Map<number, TenantFacts>;
  /** By rule, then by key. */
  open: Map<string, Map<string, Simulated>>;
  alerts: number;
}

/**
 * @param pool of runledger_owner; the transaction is read only
 * @throws SimulateError
 */
export function simulate(pool: Pool, options: SimulateOptions): Promise<Simulation> {
  const work = (client: PoolClient) => simulateIn(client, options);
  return inTransaction(pool, work, { readOnly: true, isolation: 'repeatable read' });
}

async function simulateIn(client: PoolClient, options: SimulateOptions): Promise<Simulation> {
  await client.query(loadSql('queries/derive/begin_long_work'), [String(STATEMENT_MS)]);
  const wanted = await wantedRules(client, options.rule);
  const problems = wanted.flatMap(({ rule, problem }) => (problem === null ? [] : [{ rule, problem }]));
  const rules = wanted.filter(({ problem }) => problem === null);
  const moments = await readMoments(client, options);
  const scene: Scene = { client, options, tenants: new Map(), open: new Map(), alerts: 0 };
  const messages: AlertMessage[] = [];
  for (const [index, at] of moments.entries()) {
    options.onProgress?.(index, moments.length);
    for (const rule of rules) messages.push(...(await sweepOnce(scene, rule, at)));
  }
  options.onProgress?.(moments.length, moments.length);
  const open = [...scene.open.values()].reduce((sum, alerts) => sum + alerts.size, 0);
  return { messages, open, sweeps: moments.length, problems };
}

async function wantedRules(client: PoolClient, name: string | null): Promise<LoadedRule[]> {
  const { rules } = await loadRules(client);
  if (name === null) return rules;
  const wanted = rules.filter(({ rule, code }) => rule === name || code === name.toUpperCase());
  if (wanted.length > 0) return wanted;
  throw new SimulateError(`There is no rule ${name}; rules: ${rules.map(({ rule }) => rule).join(', ')}`);
}

async function readMoments(client: PoolClient, options: SimulateOptions): Promise<Date[]> {
  const { from, to, tenantId, stepMinutes } = options;
  const sql = loadSql('queries/alerts/simulation_moments');
  const { rows } = await client.query<{ at: Date }>(sql, [from, to, tenantId, `${stepMinutes} minutes`]);
  return rows.map(({ at }) => at);
}

async function sweepOnce(scene: Scene, rule: LoadedRule, at: Date): Promise<AlertMessage[]> {
  const { client, options } = scene;
  const open = scene.open.get(rule.rule) ?? new Map<string, Simulated>();
  scene.open.set(rule.rule, open);
  const found = (await evaluateRule(client, rule, at)).filter(
    ({ tenantId }) => options.tenantId === null || tenantId === options.tenantId,
  );
  await learnTenants(
    scene,
    found.map(({ tenantId }) => tenantId),
  );
  const changes = judge(rule, found, [...open.values()], new Set(), at);
  const told = (await withGoodRuns(client, rule, changes, at)).map((change) => ({
    alertId: change.before?.alertId ?? ++scene.alerts,
    change,
  }));
  for (const { alertId, change } of told) keep(open, alertId, change);
  const said = told.filter(({ change }) => change.event !== null);
  return composeAll(client, rule, said, scene.tenants, options.links);
}

function keep(open: Map<string, Simulated>, alertId: number, { subject, record }: Change<Simulated>): void {
  if (record.state === 'resolved') open.delete(keyOf(subject));
  else open.set(keyOf(subject), { alertId, subject, record });
}

async function learnTenants({ client, tenants }: Scene, tenantIds: readonly number[]): Promise<void> {
  const unknown = tenantIds.filter((tenantId) => !tenants.has(tenantId));
  if (unknown.length === 0) return;
  const found = await readTenants(client, unknown);
  for (const tenantId of unknown) tenants.set(tenantId, found.get(tenantId) ?? { name: null, isDisabled: false });
}

/** The time from the first to the last sign of any run; null: there is none. @param pool of runledger_owner */
export async function readHistoryBounds(pool: Pool, tenantId: number | null): Promise<{ from: Date; to: Date } | null> {
  const { rows } = await pool.query<{ from_at: Date | null; to_at: Date | null }>(
    loadSql('queries/alerts/history_bounds'),
    [tenantId],
  );
  const bounds = rows[0];
  return bounds?.from_at == null || bounds.to_at === null ? null : { from: bounds.from_at, to: bounds.to_at };
}
