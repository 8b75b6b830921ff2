/**
 * The rules as they are in force: rows and overrides, checked again because SQL can write them too. A wrong one is left out of judging and
 * told by the ingest rule; it never stands in the way of the others.
 */

import type { ClientBase } from 'pg';
import { loadSql } from '../../store/sql.ts';
import type { Severity } from './finding.ts';
import { type Parameters, type ParsedParameters, parseOverride, parseParameters } from './rule_kinds.ts';

export interface LoadedOverride {
  /** 0: all tenants. */
  tenantId: number;
  /** Empty: all pipelines. */
  pipeline: string;
  /** null: as the rule says. */
  enabled: boolean | null;
  /** What it lays over the rule's; empty when `problem` says why they do not count. */
  parameters: Parameters;
  problem: string | null;
}

export interface LoadedRule {
  rule: string;
  code: string;
  kind: string;
  title: string;
  severity: Severity;
  /** For those that no override says otherwise for. */
  enabled: boolean;
  remindAfterMinutes: number | null;
  /** All that the kind has, defaults included; empty when `problem` says why they do not count. */
  parameters: Parameters;
  /** The rule cannot be judged: why, with the name of the field. */
  problem: string | null;
  overrides: LoadedOverride[];
}

export interface LoadedRules {
  /** By name. */
  rules: LoadedRule[];
  /** Overrides of rules that do not exist. */
  strays: (LoadedOverride & { rule: string })[];
}

interface RuleRow {
  rule: string;
  code: string;
  kind: string;
  title: string;
  severity: Severity;
  parameters: unknown;
  enabled: boolean;
  remind_after_minutes: number | null;
}

interface OverrideRow {
  tenant_id: number;
  rule: string;
  pipeline: string;
  enabled: boolean | null;
  parameters: unknown;
}

/** @param client speaks as runledger_owner, or as runledger_operator */
export async function loadRules(client: Pick<ClientBase, 'query'>): Promise<LoadedRules> {
  const rules = await client.query<RuleRow>(loadSql('queries/alerts/read_rules'));
  const overrides = await client.query<OverrideRow>(loadSql('queries/alerts/read_overrides'));
  const kinds = new Map(rules.rows.map((row) => [row.rule, row.kind]));
  return {
    rules: rules.rows.map((row) => ruleOf(row, overrides.rows)),
    strays: overrides.rows
      .filter((row) => !kinds.has(row.rule))
      .map((row) => ({
        rule: row.rule,
        ...overrideOf(row, { ok: false, problems: [`rule: there is no ${row.rule}`] }),
      })),
  };
}

function ruleOf(row: RuleRow, overrides: readonly OverrideRow[]): LoadedRule {
  const { rule, code, kind, title, severity, enabled } = row;
  const parsed = parseParameters(kind, row.parameters);
  return {
    rule,
    code,
    kind,
    title,
    severity,
    enabled,
    remindAfterMinutes: row.remind_after_minutes,
    ...counted(parsed),
    overrides: overrides
      .filter((override) => override.rule === rule)
      .map((override) => overrideOf(override, parseOverride(kind, override.parameters))),
  };
}

function overrideOf(row: OverrideRow, parsed: ParsedParameters): LoadedOverride {
  return { tenantId: row.tenant_id, pipeline: row.pipeline, enabled: row.enabled, ...counted(parsed) };
}

function counted(parsed: ParsedParameters): { parameters: Parameters; problem: string | null } {
  if (parsed.ok) return { parameters: parsed.value, problem: null };
  return { parameters: {}, problem: parsed.problems.join('; ') };
}
