/**
 * Judges one rule for all tenants at one moment: the query of its kind, given the rule's limits. Reads only; what becomes of the findings is
 * decided elsewhere. The moment may lie in the past: runs that began or ended later are then seen as they were, as far as the tables tell.
 */

import type { ClientBase } from 'pg';
import { loadSql } from '../../store/sql.ts';
import type { Finding, Numbers, Severity } from './finding.ts';
import { type LoadedRule, loadRules } from './load_rules.ts';
import { isRuleKind, type RuleKind } from './rule_kinds.ts';

/** The rule cannot be judged because of its own parameters; nothing is known of its subjects, so alerts stay as they are. */
export class RuleProblemError extends Error {
  override readonly name = 'RuleProblemError';
}

const QUERIES = {
  stage_failed: 'jobs/alerts/stage_failed',
  stage_error_rate: 'jobs/alerts/stage_error_rate',
  vendor_limits: 'jobs/alerts/vendor_limits',
  metric_below: 'jobs/alerts/metric_below',
  run_failed: 'jobs/alerts/run_failed',
  run_missed: 'jobs/alerts/run_missed',
  run_stuck: 'jobs/alerts/run_stuck',
  run_too_short: 'jobs/alerts/run_too_short',
  cost_budget: 'jobs/alerts/cost_budget',
  latency_regression: 'jobs/alerts/latency_regression',
  qa_pass_rate: 'jobs/alerts/qa_pass_rate',
  ingest: 'jobs/alerts/ingest',
  service_level: 'jobs/alerts/service_level',
} as const satisfies Record<RuleKind, string>;

interface FindingRow {
  tenant_id: number;
  environment: string;
  pipeline: string;
  subject: string;
  verdict: 'bad' | 'hold';
  severity: Severity;
  run_id: number | null;
  numbers: Numbers;
}

/**
 * @param client speaks as runledger_owner, in a transaction or not
 * @returns bad and held subjects; every other subject is good
 * @throws RuleProblemError for a rule with a wrong parameter; the error of the database
 */
export async function evaluateRule(client: ClientBase, rule: LoadedRule, asOf: Date): Promise<Finding[]> {
  const { sql, parameters } = judgingQuery(rule, asOf);
  const { rows } = await client.query<FindingRow>(sql, parameters);
  const findings = rows.map(findingOf);
  return rule.kind === 'ingest' ? [...findings, ...(await problemFindings(client, rule))] : findings;
}

/** The statement that judges a rule, for whoever wants to see its plan. @throws RuleProblemError */
export function judgingQuery(rule: LoadedRule, asOf: Date): { sql: string; parameters: unknown[] } {
  if (rule.problem !== null || !isRuleKind(rule.kind))
    throw new RuleProblemError(`rule ${rule.rule} is not judged: ${rule.problem ?? rule.kind}`);
  return { sql: loadSql(QUERIES[rule.kind]), parameters: [asOf, limitsOf(rule), rule.severity] };
}

/** As runledger.rule_limits reads them: under the empty key the rule's own, under `tenant:pipeline` what an override lays over them. */
export function limitsOf(rule: LoadedRule): string {
  const limits: Record<string, object> = { '': { ...rule.parameters, enabled: rule.enabled } };
  for (const { tenantId, pipeline, enabled, parameters } of rule.overrides)
    limits[`${tenantId}:${pipeline}`] = { ...parameters, ...(enabled === null ? {} : { enabled }) };
  return JSON.stringify(limits);
}

function findingOf(row: FindingRow): Finding {
  const isBad = row.verdict === 'bad';
  return {
    tenantId: row.tenant_id,
    environment: row.environment,
    pipeline: row.pipeline,
    subject: row.subject,
    verdict: row.verdict,
    severity: isBad ? row.severity : null,
    runId: row.run_id,
    numbers: isBad ? row.numbers : {},
  };
}

/** Rules and overrides that are left out of judging. What is wrong now is told; the past does not know. */
async function problemFindings(client: ClientBase, ingest: LoadedRule): Promise<Finding[]> {
  if (!ingest.enabled) return [];
  const { rules, strays } = await loadRules(client);
  const wrong = [
    ...rules.map((rule) => ({ rule: rule.rule, tenantId: 0, pipeline: '', problem: rule.problem })),
    ...rules.flatMap(({ rule, overrides }) => overrides.map((override) => ({ ...override, rule }))),
    ...strays,
  ];
  return wrong.flatMap(({ rule, tenantId, pipeline, problem }) =>
    problem === null
      ? []
      : [
          {
            tenantId,
            environment: '',
            pipeline,
            subject: `rule:${rule}`,
            verdict: 'bad',
            severity: ingest.severity,
            runId: null,
            numbers: { problem },
          } satisfies Finding,
        ],
  );
}
