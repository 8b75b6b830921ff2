/**
 * Changes rules and overrides for the command line and the API. What is wrong is refused here, with the name of its field, before it is
 * written; whoever calls keeps the record of who did it.
 */

import type { ClientBase } from 'pg';
import { loadSql } from '../../store/sql.ts';
import type { Severity } from './finding.ts';
import { type LoadedRule, loadRules } from './load_rules.ts';
import { type Parameters, parseOverride, parseParameters } from './rule_kinds.ts';

/** Something that was asked for cannot be set; each problem begins with its field. */
export class RuleInputError extends Error {
  override readonly name = 'RuleInputError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.problems = problems;
  }
}

export interface RuleChange {
  rule: string;
  enabled?: boolean | undefined;
  severity?: string | undefined;
  /** Laid over those that are there, key by key. */
  parameters?: Parameters | undefined;
  /** 5 to 43,200; null: no reminders. */
  remindAfterMinutes?: number | null | undefined;
}

export interface OverridePlace {
  rule: string;
  /** 0: all tenants. */
  tenantId: number;
  /** Empty: all pipelines. */
  pipeline: string;
}

export interface OverrideChange extends OverridePlace {
  /** null: as the rule says. Not named: as it is. */
  enabled?: boolean | null | undefined;
  /** All that the override lays over the rule: what was there before and is not named is gone. */
  parameters: Parameters;
}

type Queryable = Pick<ClientBase, 'query'>;

const TENANT_MAX = 2_147_483_647;
const PIPELINE_MAX = 200;

/** Rules as they are in force, by name, with their overrides and what is wrong with them. @param client owner or operator */
export async function listRules(client: Queryable): Promise<LoadedRule[]> {
  return (await loadRules(client)).rules;
}

/**
 * Changes what is named and returns the rule as it then is. A wrong rule can be mended: what is laid over it counts, not what was there.
 * @param client owner or operator, in a transaction
 * @throws RuleInputError
 */
export async function setRule(client: Queryable, change: RuleChange): Promise<LoadedRule> {
  const stored = await lockRule(client, change.rule);
  const problems = [...severityProblems(change.severity), ...remindProblems(change.remindAfterMinutes)];
  const parameters = { ...asObject(stored.parameters), ...change.parameters };
  // A rule that somebody else made wrong can still be turned off.
  if (change.parameters !== undefined) problems.push(...problemsOf(parseParameters(stored.kind, parameters)));
  if (problems.length > 0) throw new RuleInputError(problems);
  await client.query(loadSql('queries/alerts/set_rule'), [
    change.rule,
    change.enabled ?? null,
    change.severity ?? null,
    change.parameters === undefined ? null : JSON.stringify(parameters),
    change.remindAfterMinutes !== undefined,
    change.remindAfterMinutes ?? null,
  ]);
  return readRule(client, change.rule);
}

/** Sets other limits for a tenant and a pipeline, and returns the rule with them. @throws RuleInputError */
export async function setOverride(client: Queryable, change: OverrideChange): Promise<LoadedRule> {
  const problems = placeProblems(change);
  const { kind } = await lockRule(client, change.rule);
  problems.push(...problemsOf(parseOverride(kind, change.parameters)));
  if (problems.length > 0) throw new RuleInputError(problems);
  const { rule, tenantId, pipeline, enabled, parameters } = change;
  await client.query(loadSql('queries/alerts/set_override'), [
    tenantId,
    rule,
    pipeline,
    enabled !== undefined,
    enabled ?? null,
    JSON.stringify(parameters),
  ]);
  return readRule(client, rule);
}

/** @returns whether there was one. @throws RuleInputError */
export async function removeOverride(client: Queryable, place: OverridePlace): Promise<boolean> {
  const problems = placeProblems(place);
  if (problems.length > 0) throw new RuleInputError(problems);
  const { rule, tenantId, pipeline } = place;
  return (await client.query(loadSql('queries/alerts/remove_override'), [tenantId, rule, pipeline])).rowCount === 1;
}

async function lockRule(client: Queryable, rule: string): Promise<{ kind: string; parameters: unknown }> {
  const sql = loadSql('queries/alerts/lock_rule');
  const { rows } = await client.query<{ kind: string; parameters: unknown }>(sql, [rule]);
  if (rows[0] === undefined) throw await unknownRule(client, rule);
  return rows[0];
}

async function readRule(client: Queryable, name: string): Promise<LoadedRule> {
  const found = (await listRules(client)).find(({ rule }) => rule === name);
  if (found === undefined) throw await unknownRule(client, name);
  return found;
}

async function unknownRule(client: Queryable, name: string): Promise<RuleInputError> {
  const known = (await listRules(client)).map(({ rule }) => rule).join(', ');
  return new RuleInputError([`rule: there is no ${JSON.stringify(name)}; ${known}`]);
}

function problemsOf(parsed: ReturnType<typeof parseParameters>): string[] {
  return parsed.ok ? [] : parsed.problems;
}

function severityProblems(severity: string | undefined): string[] {
  const known: readonly Severity[] = ['warn', 'page'];
  if (severity === undefined || known.some((one) => one === severity)) return [];
  return [`severity: ${JSON.stringify(severity)} is neither warn nor page`];
}

function remindProblems(minutes: number | null | undefined): string[] {
  if (minutes === undefined || minutes === null) return [];
  if (Number.isInteger(minutes) && minutes >= 5 && minutes <= 43_200) return [];
  return ['remind_after_minutes: a whole number from 5 to 43200, or null for none'];
}

function placeProblems({ tenantId, pipeline }: OverridePlace): string[] {
  const problems: string[] = [];
  if (!Number.isInteger(tenantId) || tenantId < 0 || tenantId > TENANT_MAX)
    problems.push(`tenant_id: a whole number from 1 to ${TENANT_MAX}, or 0 for all tenants`);
  if (pipeline.length > PIPELINE_MAX || pipeline.includes('\0'))
    problems.push(`pipeline: at most ${PIPELINE_MAX} characters, none of them NUL; empty for all pipelines`);
  return problems;
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
