/** Messages of whatever numbers: bounded, one line, no word that is not one, and links only where they lead somewhere. */

import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { composeMessage, type MessageInput, type RunFacts } from '../../receiver/derive/alerts/message.ts';
import {
  counted,
  formatDuration,
  formatInstant,
  formatShare,
  formatUsd,
} from '../../receiver/derive/alerts/message_format.ts';
import { headlineOf, sentenceOf } from '../../receiver/derive/alerts/message_words.ts';

const AT = new Date('2026-03-30T02:35:00Z');
const RUN: RunFacts = {
  runId: 11,
  runKey: 'acme-nightly',
  status: 'failed',
  startedAt: AT,
  endedAt: null,
  traceId: 'ab'.repeat(16),
  langsmithUrl: null,
};

const input = (given: Partial<MessageInput> = {}): MessageInput => ({
  event: 'fired',
  eventAt: AT,
  alertId: 5,
  rule: { rule: 'run_failed', code: 'RF-07', kind: 'run_failed', title: 'run failed' },
  subject: { tenantId: 7, environment: '', pipeline: 'nightly', subject: '' },
  record: {
    severity: 'page',
    state: 'firing',
    runId: 11,
    numbers: { value: 'failed', minutes: 30, stages_in_error: 'crawl, score', units_in_error: 3 },
    firedAt: AT,
    lastBadAt: AT,
    remindedAt: null,
    snoozedUntil: null,
    resolvedAt: null,
    resolvedBecause: null,
  },
  tenantName: null,
  run: RUN,
  links: { publicUrl: 'https://ledger.example/base/', jaegerUiUrl: 'https://jaeger.example/' },
  ...given,
});

const KINDS = readdirSync(new URL('../../sql/jobs/alerts', import.meta.url)).map((file) => file.replace('.sql', ''));

test('every kind of rule there is, with whatever numbers, gives a message that can be read', () => {
  expect(KINDS).toHaveLength(13);
  const value = fc.oneof(fc.double({ noNaN: true }), fc.integer(), fc.string(), fc.boolean(), fc.constant(null));
  const names = fc.constantFrom('value', 'limit', 'units', 'calls', 'due_at', 'is_stated', 'minutes', 'constructor');
  const numbers = fc.dictionary(fc.oneof(names, fc.string()), value, { maxKeys: 12 });
  const subjects = fc.oneof(
    fc.constantFrom('', 'crawl', 'refused:no_time', 'delivery:', 'toString', 'audit', 'over_limit', 'month'),
    fc.string({ maxLength: 300 }),
  );
  const events = fc.constantFrom('fired', 'escalated', 'reminder', 'resolved', 'test');
  fc.assert(
    fc.property(
      fc.constantFrom(...KINDS, 'unknown', '__proto__'),
      subjects,
      numbers,
      events,
      (kind, subject, given, event) => {
        const record = { ...input().record, numbers: given };
        const rule = { ...input().rule, kind };
        const message = composeMessage(input({ rule, record, event, subject: { ...input().subject, subject } }));
        for (const text of [message.title, message.text]) {
          expect(text).not.toMatch(/[\p{Cc}\u2028\u2029]|\[object|undefined/u);
          expect(text.trim()).not.toBe('');
        }
        expect([...message.title].length).toBeLessThanOrEqual(150);
        expect([...message.text].length).toBeLessThanOrEqual(900);
        expect(JSON.parse(JSON.stringify(message))).toBeTruthy();
      },
    ),
    { numRuns: 2_000 },
  );
});

test('numbers that a kind does not know are listed, so that none is lost', () => {
  const rule = { kind: 'stage_error_rate', title: 'crawl error rate high' };
  expect(headlineOf(rule, 'crawl', { value: 3, something_new: 1234.5 }, 'warn')).toBe(
    'crawl error rate high: crawl, value 3, something new 1,234.5',
  );
  expect(sentenceOf({ kind: 'new_kind', title: 'new rule' }, '', { value: 3 }, 'warn')).toBe('New rule: value 3.');
});

describe('links', () => {
  const linksOf = (given: Partial<MessageInput>) => composeMessage(input(given)).links;

  test('lead to runbook, run and trace', () => {
    expect(linksOf({})).toEqual({
      runbook: 'https://ledger.example/base/runbooks/RF-07',
      run: 'https://ledger.example/base/ui/runs/7/11',
      jaeger: `https://jaeger.example/trace/${'ab'.repeat(16)}`,
      langsmith: null,
    });
  });

  test.each(['', '0'.repeat(32), 'AB'.repeat(16), `${'ab'.repeat(16)}/../..`, 'x'])(
    'no trace is linked that Jaeger cannot have: %j',
    (traceId) => expect(linksOf({ run: { ...RUN, traceId } }).jaeger).toBeNull(),
  );

  test('none to a run where no run shows it, none to Jaeger where there is none', () => {
    expect(linksOf({ run: null })).toMatchObject({ run: null, jaeger: null });
    expect(linksOf({ links: { publicUrl: 'http://l.example', jaegerUiUrl: null } }).jaeger).toBeNull();
  });
});

describe('what stands in the text', () => {
  const textOf = (given: Partial<MessageInput>) => composeMessage(input(given)).text;

  test('whose it is, where, how much, and since when', () => {
    expect(textOf({ tenantName: 'acme' })).toBe(
      'Tenant acme (7), pipeline nightly, run acme-nightly. The run ended as failed after 30 min. In error: crawl, score. 3 units of work failed. Firing since 2026-03-30 02:35 UTC.',
    );
  });

  test('how long it was bad and how it ended', () => {
    const record = (resolvedBecause: 'good' | 'rule_disabled' | 'tenant_disabled') => ({
      ...input().record,
      state: 'resolved' as const,
      resolvedAt: new Date(AT.getTime() + 90 * 60_000),
      resolvedBecause,
    });
    expect(textOf({ event: 'resolved', record: record('good') })).toContain(
      'Good again after 1 h 30 min, at 2026-03-30 04:05 UTC, as run acme-nightly shows. It was: the run ended as failed',
    );
    expect(textOf({ event: 'resolved', record: record('rule_disabled') })).toContain('The rule was switched off after');
    expect(textOf({ event: 'resolved', record: record('tenant_disabled') })).toContain('The tenant was disabled after');
  });

  test('the installation has no tenant', () => {
    expect(textOf({ subject: { ...input().subject, tenantId: 0, pipeline: '' } })).toMatch(
      /^The installation as a whole\./,
    );
  });
});

test('numbers are written as people read them, and never round to all or nothing', () => {
  expect([0, 0.0004, 0.3, 0.9999, 1].map(formatShare)).toEqual(['0 %', 'under 0.1 %', '30 %', '99.9 %', '100 %']);
  expect([0, 0.0042, 12.4, 1234.5].map(formatUsd)).toEqual(['$0.00', '$0.0042', '$12.40', '$1,234.50']);
  expect([350, 2_370, 41_000, 150_000, 720_000, 18_600_000, 180_000_000].map(formatDuration)).toEqual([
    '350 ms',
    '2.37 s',
    '41 s',
    '2 min 30 s',
    '12 min',
    '5 h 10 min',
    '2 d 2 h',
  ]);
  expect([counted(1, 'item'), counted(2_000, 'item')]).toEqual(['1 item', '2,000 items']);
  expect([formatInstant('2026-03-30T06:00:00Z'), formatInstant('soon')]).toEqual(['2026-03-30 06:00 UTC', 'soon']);
});
