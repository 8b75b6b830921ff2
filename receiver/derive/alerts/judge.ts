/** From a rule's findings and its open alerts to what changes, without I/O: what the sweep writes and the simulation tells. */

import { type AlertRecord, type Decision, decide, type Judgement, judgementOf } from './decide.ts';
import type { AlertSubject, Finding } from './finding.ts';

/** What state and messages need to know of a rule. */
export interface JudgedRule {
  rule: string;
  code: string;
  kind: string;
  title: string;
  enabled: boolean;
  remindAfterMinutes: number | null;
  overrides: readonly { tenantId: number; pipeline: string; enabled: boolean | null }[];
}

export interface OpenAlert {
  subject: AlertSubject;
  record: AlertRecord;
}

export interface Change<O extends OpenAlert> extends Decision {
  subject: AlertSubject;
  before: O | null;
  record: AlertRecord;
}

/** Text that is equal for equal subjects alone. */
export function keyOf({ tenantId, environment, pipeline, subject }: AlertSubject): string {
  return JSON.stringify([tenantId, environment, pipeline, subject]);
}

/**
 * @param findings of the rule; at most one a subject counts, the worst
 * @param disabledTenants whose alerts end
 * @returns what is to be written or said, sorted by key; what stays as it is, is left out
 */
export function judge<O extends OpenAlert>(
  rule: JudgedRule,
  findings: readonly Finding[],
  open: readonly O[],
  disabledTenants: ReadonlySet<number>,
  now: Date,
): Change<O>[] {
  const found = worstByKey(findings);
  const opened = new Map(open.map((alert) => [keyOf(alert.subject), alert]));
  const changes: Change<O>[] = [];
  for (const key of [...new Set([...opened.keys(), ...found.keys()])].sort()) {
    const before = opened.get(key) ?? null;
    const finding = found.get(key);
    const subject = before?.subject ?? finding;
    if (subject === undefined) continue;
    const judgement = whyEnded(rule, subject, disabledTenants) ?? judgementOf(finding);
    const decision = decide(before?.record ?? null, judgement, { now, remindAfterMinutes: rule.remindAfterMinutes });
    if (decision.change !== 'none' && decision.record !== null)
      changes.push({ ...decision, record: decision.record, before, subject: subjectOf(subject) });
  }
  return changes;
}

function worstByKey(findings: readonly Finding[]): Map<string, Finding> {
  const worst = new Map<string, Finding>();
  for (const finding of findings) {
    const key = keyOf(finding);
    const known = worst.get(key);
    if (known === undefined || rankOf(finding) > rankOf(known)) worst.set(key, finding);
  }
  return worst;
}

function rankOf({ verdict, severity }: Finding): number {
  if (verdict === 'hold') return 0;
  return severity === 'page' ? 2 : 1;
}

function subjectOf({ tenantId, environment, pipeline, subject }: AlertSubject): AlertSubject {
  return { tenantId, environment, pipeline, subject };
}

function whyEnded(rule: JudgedRule, subject: AlertSubject, disabledTenants: ReadonlySet<number>): Judgement | null {
  if (disabledTenants.has(subject.tenantId)) return { verdict: 'ended', because: 'tenant_disabled' };
  return isEnabledFor(rule, subject) ? null : { verdict: 'ended', because: 'rule_disabled' };
}

/** A word for the tenant and its pipeline wins over one for the tenant, that over one for everybody. */
export function isEnabledFor(rule: JudgedRule, { tenantId, pipeline }: AlertSubject): boolean {
  const places = [
    [tenantId, pipeline],
    [tenantId, ''],
    [0, pipeline],
    [0, ''],
  ] as const;
  for (const [tenant, name] of places) {
    const said = rule.overrides.find((one) => one.tenantId === tenant && one.pipeline === name)?.enabled;
    if (said !== undefined && said !== null) return said;
  }
  return rule.enabled;
}
