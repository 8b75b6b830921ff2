/**
 * The kinds of rules and the parameters of each: what is checked when a rule is set, and again when rules are read, because a row can also be
 * written by SQL. Judging itself is one query a kind, in sql/jobs/alerts.
 */

import { z } from 'zod';

const name = z.string().trim().min(1).max(64);
const share = z.number().min(0).max(1);
const usd = z.number().positive();
const minutes = z.number().positive().max(10_080);
const runs = z.int().min(1).max(100);
const vendors = z.array(z.string().trim().toLowerCase().min(1).max(64)).max(100);

/** A key without a default has to be set. Units are in the names; usd are US dollars, shares and rates are 0 to 1. */
export const RULE_KINDS = {
  /** The stage ended in error, had failed units (count_errors), or is not there: always, never, or where most earlier runs had it. */
  stage_failed: z.strictObject({
    stage: name,
    count_errors: z.boolean().default(false),
    absent: z.enum(['if_usual', 'always', 'never']).default('never'),
    /** Of a run that still goes on: without a result that long after its start, the stage is absent. */
    window_minutes: minutes.nullable().default(null),
  }),
  stage_error_rate: z.strictObject({
    stage: name,
    warn_above: share.nullable().default(0.3),
    page_above: share.nullable().default(0.5),
    minimum_units: z.int().min(1).default(20),
  }),
  /** only: null is every vendor. */
  vendor_limits: z.strictObject({
    only: vendors.nullable().default(null),
    except: vendors.default([]),
  }),
  /** required: a run without the number is bad too. */
  metric_below: z.strictObject({
    metric: name,
    minimum: z.number(),
    required: z.boolean().default(false),
  }),
  run_failed: z.strictObject({}),
  run_missed: z.strictObject({}),
  run_stuck: z.strictObject({
    silent_minutes: minutes.nullable().default(30),
    limit_minutes: minutes.nullable().default(null),
  }),
  run_too_short: z.strictObject({
    share_of_median: share.default(0.25),
    runs: runs.default(10),
    minimum_runs: runs.default(5),
  }),
  cost_budget: z.strictObject({
    per_run_usd: usd.nullable().default(null),
    per_day_usd: usd.nullable().default(null),
    per_month_usd: usd.nullable().default(null),
  }),
  latency_regression: z.strictObject({
    runs: runs.default(10),
    minimum_runs: runs.default(5),
    spreads: z.number().min(0).max(1000).default(4),
    minimum_increase_share: z.number().min(0).max(1000).default(0.5),
    minimum_increase_ms: z.number().min(0).default(1000),
    minimum_samples: z.int().min(1).default(20),
  }),
  qa_pass_rate: z.strictObject({
    minimum: share.default(0.8),
    minimum_reviewed: z.int().min(1).default(10),
    runs: runs.default(5),
  }),
  ingest: z.strictObject({
    refused_above: z.int().min(0).default(0),
    parked_minutes: minutes.default(60),
    conflicts_above: z.int().min(0).default(0),
    /** null: nobody waits for audits. */
    audit_hours: z.int().min(1).nullable().default(48),
  }),
  /** null: that level is not held. */
  service_level: z.strictObject({
    minimum_runs: z.int().min(1).default(20),
    run_success_rate: share.nullable().default(0.98),
    p95_run_minutes: minutes.nullable().default(null),
    crawl_success_rate: share.nullable().default(null),
    verified_email_rate: share.nullable().default(null),
  }),
} as const satisfies Record<string, z.ZodObject>;

export type RuleKind = keyof typeof RULE_KINDS;
export type Parameters = Record<string, unknown>;
export type ParsedParameters = { ok: true; value: Parameters } | { ok: false; problems: string[] };

export function isRuleKind(kind: string): kind is RuleKind {
  return Object.hasOwn(RULE_KINDS, kind);
}

/** The parameters of a whole rule, with the defaults of those that are not set; or what is wrong, each sentence beginning with its field. */
export function parseParameters(kind: string, parameters: unknown): ParsedParameters {
  return isRuleKind(kind) ? parse(kind, RULE_KINDS[kind], parameters) : unknownKind(kind);
}

/** What an override lays over a rule: any part of its parameters, without defaults. */
export function parseOverride(kind: string, parameters: unknown): ParsedParameters {
  if (!isRuleKind(kind)) return unknownKind(kind);
  const schema: z.ZodObject = RULE_KINDS[kind];
  const parts = Object.fromEntries(Object.entries(schema.shape).map(([key, part]) => [key, z.optional(bare(part))]));
  return parse(kind, z.strictObject(parts), parameters);
}

/** Without its default, which would otherwise be laid over what the rule says. */
function bare(part: z.core.$ZodType): z.core.$ZodType {
  return part instanceof z.ZodDefault ? part.unwrap() : part;
}

function unknownKind(kind: string): ParsedParameters {
  return { ok: false, problems: [`kind: there is no ${JSON.stringify(kind)}; ${Object.keys(RULE_KINDS).join(', ')}`] };
}

function parse(kind: RuleKind, schema: z.ZodObject, parameters: unknown): ParsedParameters {
  const parsed = schema.safeParse(parameters);
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, problems: parsed.error.issues.flatMap((issue) => problemsOf(kind, schema, issue)) };
}

function problemsOf(kind: RuleKind, schema: z.ZodObject, issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(schema.shape).join(', ');
    return issue.keys.map((key) => `${key}: ${kind} has no such parameter; ${known === '' ? 'it has none' : known}`);
  }
  const field = issue.path.length === 0 ? 'parameters' : issue.path.join('.');
  return [`${field}: ${issue.message}`];
}
