/** Webhooks and Alertmanagers: what another program reads. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { composeAlertmanager } from '../../receiver/derive/delivery/alertmanager.ts';
import { composeWebhook } from '../../receiver/derive/delivery/webhook.ts';
import { alertMessage, outgoing } from '../helpers/alert_messages.ts';

const NOW = new Date('2026-11-22T03:00:00.500Z');
const settings = (more = {}) => ({ url: 'https://hooks.example.org/x', secret: null, now: NOW, standing: [], ...more });

describe('a webhook', () => {
  it('carries the message as it is, with its delivery id in body and header', () => {
    const { body, headers } = composeWebhook([outgoing()], settings());
    expect(JSON.parse(body)).toEqual({ ...alertMessage(), delivery: '7-1' });
    expect(headers).toEqual({ 'content-type': 'application/json', 'runledger-delivery': '7-1' });
  });

  it('is signed over the time and the very bytes of the body', () => {
    const secret = 'correct-horse-battery';
    const { body, headers } = composeWebhook([outgoing({ title: 'ä€😀' })], settings({ secret }));
    const [, seconds, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers['runledger-signature'] ?? '') ?? [];
    expect(seconds).toBe('1795316400');
    const bytes = Buffer.concat([Buffer.from(`${seconds}.`), Buffer.from(body, 'utf8')]);
    expect(hex).toBe(createHmac('sha256', Buffer.from(secret)).update(bytes).digest('hex'));
  });

  it('of many messages is a digest in which each can be told from its repeat', () => {
    const list = [
      outgoing({ code: 'ZZ-99' }, '7-1'),
      outgoing({ code: 'AA-01', event: 'resolved', event_at: '2026-11-22T02:30:00.000Z' }, '7-3'),
      outgoing({ code: 'AA-01' }, '7-2'),
    ];
    const { body, headers } = composeWebhook(list, settings());
    const digest = JSON.parse(body);
    expect(digest).toMatchObject({
      event: 'digest',
      event_at: NOW.toISOString(),
      delivery: headers['runledger-delivery'],
    });
    expect(digest.messages.map((one: { delivery: string }) => one.delivery)).toEqual(['7-2', '7-3', '7-1']);
    expect(composeWebhook([...list].reverse(), settings()).headers['runledger-delivery']).toBe(digest.delivery);
    expect(composeWebhook(list.slice(1), settings()).headers['runledger-delivery']).not.toBe(digest.delivery);
  });
});

describe('an Alertmanager', () => {
  const read = (...parameters: Parameters<typeof composeAlertmanager>) =>
    JSON.parse(composeAlertmanager(...parameters).body);

  it('gets labels that name the alert, and an end far enough ahead', () => {
    expect(read([outgoing()], settings())).toEqual([
      {
        labels: {
          alertname: 'crawl_error_rate',
          code: 'CR-02',
          severity: 'warn',
          tenant: 'acme',
          pipeline: 'nightly',
          environment: 'production',
          subject: 'crawl',
        },
        annotations: {
          summary: alertMessage().title,
          description: alertMessage().text,
          numbers: JSON.stringify(alertMessage().numbers),
          run: '4711',
          runbook_url: alertMessage().links.runbook,
          run_url: alertMessage().links.run,
          jaeger_url: alertMessage().links.jaeger,
          langsmith_url: alertMessage().links.langsmith,
        },
        startsAt: '2026-11-22T02:05:00.000Z',
        endsAt: '2026-11-22T03:30:00.500Z',
        generatorURL: alertMessage().links.run,
      },
    ]);
  });

  it('is told the end of an alert under the labels under which it began', () => {
    const resolved = outgoing({
      event: 'resolved',
      event_at: '2026-11-22T02:45:00.000Z',
      resolved_at: '2026-11-22T02:44:00.000Z',
    });
    const [fired] = read([outgoing()], settings());
    const [over] = read([resolved], settings());
    expect(over.labels).toEqual(fired.labels);
    expect([over.startsAt, over.endsAt]).toEqual(['2026-11-22T02:05:00.000Z', '2026-11-22T02:44:00.000Z']);
  });

  it('is told the end of the warning when it becomes a page', () => {
    const alerts = read(
      [outgoing({ event: 'escalated', severity: 'page', event_at: '2026-11-22T02:50:00.000Z' })],
      settings(),
    );
    expect(
      alerts.map((one: { labels: { severity: string }; endsAt: string }) => [one.labels.severity, one.endsAt]),
    ).toEqual([
      ['page', '2026-11-22T03:30:00.500Z'],
      ['warn', '2026-11-22T02:50:00.000Z'],
    ]);
  });

  it('hears of every open alert with each post, of each once and the newest', () => {
    const standing = [alertMessage({ alert_id: 1 }), alertMessage({ alert_id: 2, subject: 'other' })];
    const news = [outgoing({ alert_id: 2, subject: 'other', event: 'resolved', resolved_at: NOW.toISOString() })];
    const alerts = read(news, settings({ standing }));
    expect(
      alerts.map((one: { labels: { subject: string }; endsAt: string }) => [one.labels.subject, one.endsAt]),
    ).toEqual([
      ['crawl', '2026-11-22T03:30:00.500Z'],
      ['other', NOW.toISOString()],
    ]);
  });

  it.each([
    ['http://127.0.0.1:9093', 'http://127.0.0.1:9093/api/v2/alerts'],
    ['http://127.0.0.1:9093/prefix/', 'http://127.0.0.1:9093/prefix/api/v2/alerts'],
    ['http://127.0.0.1:9093/api/v2/alerts', 'http://127.0.0.1:9093/api/v2/alerts'],
  ])('at %s is posted to at %s', (url, expected) => {
    expect(composeAlertmanager([outgoing()], settings({ url })).url).toBe(expected);
  });

  it('is given no empty and no broken labels, and the secret as a bearer token alone', () => {
    const half = `${'x'.repeat(255)}😀`;
    const composed = composeAlertmanager(
      [outgoing({ environment: '', subject: half })],
      settings({ secret: 'bearer-of-the-test' }),
    );
    const [alert] = JSON.parse(composed.body);
    expect(alert.labels).not.toHaveProperty('environment');
    expect(alert.labels.subject).toBe(`${'x'.repeat(255)}\ufffd`);
    expect(composed.headers.authorization).toBe('Bearer bearer-of-the-test');
    expect(composed.body).not.toContain('bearer-of-the-test');
  });
});
