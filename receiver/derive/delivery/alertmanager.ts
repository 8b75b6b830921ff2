/**
 * Alerts for Prometheus' Alertmanager, API v2. It forgets an alert that is not sent again, at its restart or when endsAt has passed, so every
 * post carries all alerts that are open, and one is made for them alone when nothing else was sent for a while.
 */

import type { AlertMessage, Severity } from '../alerts/finding.ts';
import type { Compose } from './request.ts';

/** How long an alert goes on in the Alertmanager when this ledger falls silent. */
const LASTS_MS = 30 * 60_000;
/** A test is over soon. */
const TEST_LASTS_MS = 5 * 60_000;
const LABEL_CHARS = 256;
const ANNOTATION_CHARS = 4_096;

interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
  generatorURL?: string;
}

/** The newest message of an alert decides; the secret, if there is one, goes as a bearer token. */
export const composeAlertmanager: Compose = (outgoing, { url, secret, now, standing }) => {
  const byAlert = new Map<string, AlertMessage>();
  for (const message of [...standing, ...outgoing.map((one) => one.message)])
    byAlert.set(message.event === 'test' ? 'test' : `${message.tenant_id}-${message.alert_id}`, message);
  const alerts = [...byAlert.values()].flatMap((message) => alertsOf(message, now));
  return {
    url: alertsUrl(url),
    body: JSON.stringify(alerts),
    headers: {
      'content-type': 'application/json',
      ...(secret === null ? {} : { authorization: `Bearer ${secret}` }),
    },
  };
};

/** The base URL of an Alertmanager will do. */
function alertsUrl(text: string): string {
  const url = new URL(text);
  if (!url.pathname.endsWith('/api/v2/alerts')) url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v2/alerts`;
  return url.href;
}

/** The severity is a label, so that an alert that became a page is another one there, and the former one has to end. */
function alertsOf(message: AlertMessage, now: Date): Alert[] {
  if (message.event === 'resolved')
    return [alertOf(message, message.severity, message.resolved_at ?? message.event_at)];
  const alert = alertOf(message, message.severity, endOf(message, now));
  return message.event === 'escalated' ? [alert, alertOf(message, 'warn', message.event_at)] : [alert];
}

function endOf(message: AlertMessage, now: Date): string {
  return new Date(now.getTime() + (message.event === 'test' ? TEST_LASTS_MS : LASTS_MS)).toISOString();
}

function alertOf(message: AlertMessage, severity: Severity, endsAt: string): Alert {
  const { links, run } = message;
  const generatorUrl = links.run ?? links.runbook;
  return {
    labels: nonEmpty(LABEL_CHARS, {
      alertname: message.rule,
      code: message.code,
      severity,
      tenant: message.tenant_name ?? String(message.tenant_id),
      pipeline: message.pipeline,
      environment: message.environment,
      subject: message.subject,
    }),
    annotations: nonEmpty(ANNOTATION_CHARS, {
      summary: message.title,
      description: message.text,
      numbers: JSON.stringify(message.numbers),
      run: run === null ? '' : (run.run_key ?? String(run.run_id)),
      runbook_url: links.runbook,
      run_url: links.run ?? '',
      jaeger_url: links.jaeger ?? '',
      langsmith_url: links.langsmith ?? '',
    }),
    // The end may not lie before the start.
    startsAt: message.fired_at < endsAt ? message.fired_at : endsAt,
    endsAt,
    ...(URL.canParse(generatorUrl) ? { generatorURL: generatorUrl } : {}),
  };
}

/** Empty labels are the same as none there. Half a surrogate pair, which the way through bytes replaces, would be refused with the whole post. */
function nonEmpty(chars: number, entries: Record<string, string>): Record<string, string> {
  const filled = Object.entries(entries).filter(([, value]) => value !== '');
  return Object.fromEntries(filled.map(([name, value]) => [name, Buffer.from(value.slice(0, chars)).toString()]));
}
