/**
 * An alert's message: one line and a few sentences for a person who was asleep, from numbers and names of the ledger alone. Nothing that a
 * span said in free text gets into it, so that no personal data leaves the house.
 */

import type { AlertRecord } from './decide.ts';
import type { AlertEvent, AlertMessage, AlertSubject } from './finding.ts';
import { formatDuration, formatMoment } from './message_format.ts';
import { headlineOf, sentenceOf } from './message_words.ts';

export interface RunFacts {
  runId: number;
  runKey: string | null;
  status: string;
  startedAt: Date | null;
  endedAt: Date | null;
  traceId: string | null;
  langsmithUrl: string | null;
}

export interface MessageLinks {
  /** Where people reach API and dashboard, without a slash at its end. */
  publicUrl: string;
  jaegerUiUrl: string | null;
}

export interface MessageInput {
  event: AlertEvent;
  eventAt: Date;
  alertId: number;
  rule: { rule: string; code: string; kind: string; title: string };
  subject: AlertSubject;
  record: AlertRecord;
  /** null: known by its number alone. */
  tenantName: string | null;
  /** The run that shows what is wrong, or with `resolved` the one that shows that it is right again. */
  run: RunFacts | null;
  links: MessageLinks;
}

const TITLE_MAX = 150;
const TEXT_MAX = 900;
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;

export function composeMessage(input: MessageInput): AlertMessage {
  const { event, rule, subject, record, run } = input;
  return {
    event,
    event_at: input.eventAt.toISOString(),
    alert_id: input.alertId,
    rule: rule.rule,
    code: rule.code,
    severity: record.severity,
    title: cutText(titleOf(input), TITLE_MAX),
    text: cutText(textOf(input), TEXT_MAX),
    tenant_id: subject.tenantId,
    tenant_name: input.tenantName,
    environment: subject.environment,
    pipeline: subject.pipeline,
    subject: subject.subject,
    numbers: record.numbers,
    run: run === null ? null : describeRun(run),
    fired_at: record.firedAt.toISOString(),
    resolved_at: record.resolvedAt?.toISOString() ?? null,
    links: linksOf(input),
  };
}

function describeRun({ runId, runKey, status, startedAt, endedAt }: RunFacts): NonNullable<AlertMessage['run']> {
  return {
    run_id: runId,
    run_key: runKey,
    status,
    started_at: startedAt?.toISOString() ?? null,
    ended_at: endedAt?.toISOString() ?? null,
  };
}

function linksOf({ rule, subject, run, links }: MessageInput): AlertMessage['links'] {
  const base = links.publicUrl.replace(/\/+$/, '');
  const jaeger = links.jaegerUiUrl?.replace(/\/+$/, '') ?? null;
  const hasTrace = run?.traceId != null && TRACE_ID.test(run.traceId);
  return {
    runbook: `${base}/runbooks/${rule.code}`,
    run: run === null ? null : `${base}/ui/runs/${subject.tenantId}/${run.runId}`,
    jaeger: jaeger !== null && hasTrace ? `${jaeger}/trace/${run.traceId}` : null,
    langsmith: run?.langsmithUrl ?? null,
  };
}

function titleOf({ event, rule, subject, record }: MessageInput): string {
  if (event === 'resolved')
    return `${rule.code} resolved: ${rule.title}${subject.subject === '' ? '' : ` (${subject.subject})`}`;
  const headline = headlineOf(rule, subject.subject, record.numbers, record.severity);
  if (event === 'escalated') return `${rule.code} now pages, ${headline}`;
  if (event === 'reminder') return `${rule.code} still firing, ${headline}`;
  return `${rule.code} ${headline}`;
}

function textOf(input: MessageInput): string {
  const { event, rule, subject, record } = input;
  if (event === 'test')
    return `This is a test of an alert channel, sent at ${formatMoment(input.eventAt)}. If you read it, messages of the real alerts reach you.`;
  const sentence = sentenceOf(rule, subject.subject, record.numbers, record.severity);
  return event === 'resolved'
    ? `${placeOf(input)}. ${endOf(input)} It was: ${lowerFirst(sentence)}`
    : `${placeOf(input)}. ${sentence} ${sinceOf(input)}`;
}

/** Tenant acme (7), pipeline nightly (production), run acme-2026-11-22 */
function placeOf({ subject, tenantName, run, event }: MessageInput): string {
  const { tenantId, pipeline, environment } = subject;
  if (tenantId === 0) return 'The installation as a whole';
  const name = tenantName === null ? `Tenant ${tenantId}` : `Tenant ${tenantName} (${tenantId})`;
  const parts = [name];
  if (pipeline !== '') parts.push(`pipeline ${pipeline}${environment === '' ? '' : ` (${environment})`}`);
  // The run of a resolved alert is the one that went well, and stands in the sentence about the end.
  if (run !== null && event !== 'resolved') parts.push(`run ${runName(run)}`);
  return parts.join(', ');
}

function runName({ runKey, runId }: RunFacts): string {
  return runKey ?? String(runId);
}

function sinceOf({ event, record }: MessageInput): string {
  const since = `Firing since ${formatMoment(record.firedAt)}`;
  if (event === 'escalated') return `It was a warning before and is worse now. ${since}.`;
  if (event === 'reminder') return `${since} and not acknowledged.`;
  return `${since}.`;
}

function endOf({ record, run }: MessageInput): string {
  const ended = record.resolvedAt ?? record.lastBadAt;
  const span = `after ${formatDuration(ended.getTime() - record.firedAt.getTime())}, at ${formatMoment(ended)}`;
  if (record.resolvedBecause === 'rule_disabled')
    return `The rule was switched off ${span}; whether it is good again was not looked at.`;
  if (record.resolvedBecause === 'tenant_disabled')
    return `The tenant was disabled ${span}; whether it is good again was not looked at.`;
  return `Good again ${span}${run === null ? '' : `, as run ${runName(run)} shows`}.`;
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? `${text.charAt(0).toLowerCase()}${text.slice(1)}` : text;
}

/** At most `max` code points; what is cut ends in an ellipsis. */
function cutText(text: string, max: number): string {
  const points = [...text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim()];
  return points.length <= max ? points.join('') : `${points.slice(0, max - 1).join('')}…`;
}
