/** The words that judging, state and delivery of alerts share. Data moves one way: rule -> findings -> state -> messages -> channels. */

/** warn: look at it in working hours. page: wake somebody. */
export type Severity = 'warn' | 'page';

/** What an alert is about; with the rule's name, the key of at most one open alert. */
export interface AlertSubject {
  /** 0: the installation, not one tenant. */
  tenantId: number;
  environment: string;
  pipeline: string;
  /** What of the pipeline: a stage, vendor, metric, budget, ...; empty: the run itself. */
  subject: string;
}

/** Flat, so that a message can list them: `value` is what was measured and `limit` what it is held against, where the kind has such. */
export type Numbers = Record<string, string | number | boolean | null>;

/**
 * What a rule says of one subject at one moment. bad: it fires, or goes on firing. hold: it cannot be judged now (too few units, a run not
 * derived yet), so that whatever state there is stays. A subject without a finding is good: its open alert resolves.
 */
export interface Finding extends AlertSubject {
  verdict: 'bad' | 'hold';
  /** null with hold. */
  severity: Severity | null;
  /** The run that shows it; null where no run does (missed, budgets, ingest). */
  runId: number | null;
  numbers: Numbers;
}

export type AlertState = 'firing' | 'acked' | 'snoozed' | 'resolved';
export type AlertEvent = 'fired' | 'escalated' | 'reminder' | 'resolved' | 'test';

/** A message as channels get it: frozen when the alert changed, plain JSON, nothing in it that may not leave the house. Times are ISO 8601 in UTC. */
export interface AlertMessage {
  event: AlertEvent;
  event_at: string;
  alert_id: number;
  rule: string;
  /** The runbook, as in CR-02. */
  code: string;
  severity: Severity;
  /** One line: code, what, how much, as in "CR-02 crawl error rate 0.42 of 210 items, limit 0.30". */
  title: string;
  /** One to three sentences for a person who was asleep: what happened and what its numbers mean. */
  text: string;
  tenant_id: number;
  /** null: a tenant known by its number alone, or tenant 0. */
  tenant_name: string | null;
  environment: string;
  pipeline: string;
  subject: string;
  numbers: Numbers;
  run: {
    run_id: number;
    run_key: string | null;
    status: string;
    started_at: string | null;
    ended_at: string | null;
  } | null;
  fired_at: string;
  resolved_at: string | null;
  links: { runbook: string; run: string | null; jaeger: string | null; langsmith: string | null };
}
