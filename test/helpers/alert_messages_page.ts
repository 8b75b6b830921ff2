/** docs/alert-messages.md as the scenario tells it: every message in full, beside those that only time or a rise of severity brings. */

import { readFileSync, writeFileSync } from 'node:fs';
import { fullMessage } from '../../receiver/cli/alerts_simulate.ts';
import { createStyle } from '../../receiver/cli/style.ts';
import type { AlertMessage } from '../../receiver/derive/alerts/finding.ts';
import { composeMessage } from '../../receiver/derive/alerts/message.ts';

const PAGE = new URL('../../docs/alert-messages.md', import.meta.url);
const PLAIN = createStyle(false);

export function readPage(): string {
  return readFileSync(PAGE, 'utf8');
}

export function writePage(text: string): void {
  writeFileSync(PAGE, text);
}

export function renderPage(messages: readonly AlertMessage[]): string {
  const codes = [...new Set(messages.map(({ code }) => code))].sort((a, b) => numberOf(a) - numberOf(b));
  const text = `${HEAD}\n${codes.map((code) => sectionOf(code, messages)).join('\n')}\n${laterSection(messages)}`;
  return withFixedRunIds(text);
}

/** Run ids come from a sequence, in which resends leave gaps: on this page they are numbered as they appear. */
function withFixedRunIds(text: string): string {
  const ids = new Map<string, number>();
  return text.replace(/(?<=\/ui\/runs\/\d+\/)\d+/g, (id) => {
    const fixed = ids.get(id) ?? 2 ** 52 + 101 + ids.size;
    ids.set(id, fixed);
    return String(fixed);
  });
}

const HEAD = `# Alert messages

Every message that the rules send, in full, as \`runledger alerts simulate --scenario --messages\` prints them: two tenants, one night in which every rule goes wrong
somewhere, then good nights. This page is written from that scenario and a test holds it against the product. Slack, webhooks and an Alertmanager get the same title,
text and links, each in its own form: [Delivery](delivery.md). How alerts work: [Alerts](alerts.md).
`;

function numberOf(code: string): number {
  return Number(code.slice(3));
}

function sectionOf(code: string, messages: readonly AlertMessage[]): string {
  const ofCode = messages.filter((message) => message.code === code);
  return [`## ${code}`, '', `Runbook: [${code}](runbooks/${code}.md)`, '', '```text', blocks(ofCode), '```', ''].join(
    '\n',
  );
}

function blocks(messages: readonly AlertMessage[]): string {
  return messages.map((message) => fullMessage(message, PLAIN).trimEnd()).join('\n\n');
}

/** Reminders and rises, as of the crawl of the tenant that only warned. */
function laterSection(messages: readonly AlertMessage[]): string {
  const fired = (rule: string, tenantId: number) =>
    messages.find((one) => one.event === 'fired' && one.rule === rule && one.tenant_id === tenantId);
  const warned = fired('crawl_error_rate', 2);
  const paged = fired('crawl_error_rate', 1);
  if (warned === undefined || paged === undefined)
    throw new Error('the scenario has no crawl that warns and none that pages');
  const later = [again(warned, warned, 'reminder', 2), again(warned, paged, 'escalated', 24)];
  return [
    '## Later messages',
    '',
    'A reminder comes where the rule asks for it and nobody acknowledged the alert, or at the end of a snooze. A warning that becomes a page is told once more.',
    '',
    '```text',
    blocks(later),
    '```',
    '',
  ].join('\n');
}

function again(
  first: AlertMessage,
  { numbers, severity }: AlertMessage,
  event: 'reminder' | 'escalated',
  hours: number,
): AlertMessage {
  const firedAt = new Date(first.fired_at);
  const eventAt = new Date(firedAt.getTime() + hours * 3_600_000);
  const { run } = first;
  return composeMessage({
    event,
    eventAt,
    alertId: first.alert_id,
    rule: { rule: first.rule, code: first.code, kind: 'stage_error_rate', title: 'crawl error rate high' },
    subject: {
      tenantId: first.tenant_id,
      environment: first.environment,
      pipeline: first.pipeline,
      subject: first.subject,
    },
    record: {
      severity,
      state: 'firing',
      runId: run?.run_id ?? null,
      numbers,
      firedAt,
      lastBadAt: eventAt,
      remindedAt: eventAt,
      snoozedUntil: null,
      resolvedAt: null,
      resolvedBecause: null,
    },
    tenantName: first.tenant_name,
    run:
      run === null
        ? null
        : {
            runId: run.run_id,
            runKey: run.run_key,
            status: run.status,
            startedAt: null,
            endedAt: null,
            traceId: first.links.jaeger?.split('/').at(-1) ?? null,
            langsmithUrl: first.links.langsmith,
          },
    links: { publicUrl: 'https://ledger.example.com', jaegerUiUrl: 'https://jaeger.example.com' },
  });
}
