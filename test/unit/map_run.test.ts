/** What a run span says of its run: state, facts, link, metrics, and how much was sent. */

import { describe, expect, test } from 'vitest';
import type { Attribute, Span } from '../../receiver/decode/shape.ts';
import { ATTR } from '../../sdk/attributes.ts';
import { callSpan, kindSpan, mainRow, mapSpans, marksOf } from '../helpers/mapping.ts';
import { bool, double, int, span, text } from '../helpers/otlp.ts';

const runRow = (attributes: Attribute[] = [], given: Partial<Span> = {}, resource: Attribute[] = []) =>
  mainRow(span({ attributes: [text(ATTR.kind, 'run'), int(ATTR.runId, 5), ...attributes], ...given }), { resource });

describe('state', () => {
  test.each<[string, Attribute[], number, string]>([
    ['what it states', [text(ATTR.runStatus, 'cancelled')], 0, 'cancelled'],
    ['what it states, whatever the span says', [text(ATTR.runStatus, 'succeeded')], 2, 'succeeded'],
    ['a CI/CD result', [text('cicd.pipeline.result', 'timeout')], 0, 'failed'],
    ["else the span's: error", [], 2, 'failed'],
    ["else the span's: ok", [], 1, 'succeeded'],
    ["else the span's: unset", [], 0, 'succeeded'],
    ['not a word that is no state', [text(ATTR.runStatus, 'running')], 2, 'failed'],
  ])('%s', (_, attributes, statusCode, status) => {
    expect(runRow(attributes, { statusCode }).facts).toMatchObject({
      status,
      atUs: 1_760_000_001_500_000,
      startedUs: 1_760_000_000_000_000,
    });
  });
  test('a word that is no state is marked', () => {
    expect(marksOf(runRow([text(ATTR.runStatus, 'done')]))).toEqual(['run_status_unknown']);
  });
  test('degraded is what the run says, of its end only', () => {
    const { rows } = mapSpans([
      span({ attributes: [text(ATTR.kind, 'run'), int(ATTR.runId, 5), bool(ATTR.runDegraded, true)] }),
    ]);
    expect(rows.map((row) => row.facts?.degraded)).toEqual([false, true]);
  });
});

test('facts come from span and resource; resource attributes are kept once', () => {
  const resource = [
    text('service.version', '1.2'),
    text('deployment.environment.name', 'prod'),
    text('host.name', 'h1'),
    text(ATTR.pipeline, 'by resource'),
  ];
  expect(runRow([], {}, resource).facts).toMatchObject({
    pipeline: 'by resource',
    environment: 'prod',
    pipelineVersion: '1.2',
    resource: '{"host.name":"h1"}',
  });
  expect(runRow([text(ATTR.pipeline, 'own'), text('deployment.environment', 'old')]).facts).toMatchObject({
    pipeline: 'own',
    environment: 'old',
    pipelineVersion: null,
    resource: null,
  });
  expect(mainRow(callSpan(), { resource }).facts).toBeNull();
});

describe('LangSmith link', () => {
  const link = (url: string) => runRow([text(ATTR.langsmithUrl, url)]);
  test.each([
    'https://smith.langchain.com/o/1/r/2',
    'http://localhost:1984/r/2',
    'http://127.0.0.1/x',
    'https://[::1]:8000/x',
  ])('kept: %s', (url) => {
    expect(link(url).facts?.langsmithUrl).toBe(url);
  });
  test.each([
    'http://smith.langchain.com/o/1',
    'https://smith.langchain.com.evil.example/o/1',
    'https://evil.example/https://smith.langchain.com',
    'https://smith.langchain.com@evil.example/',
    'https://user:pw@smith.langchain.com/',
    'javascript:alert(1)',
    'data:text/html,x',
    'not a url',
    '//smith.langchain.com/x',
    `https://smith.langchain.com/${'x'.repeat(2000)}`,
  ])('dropped with a mark: %s', (url) => {
    expect(link(url).facts?.langsmithUrl).toBeNull();
    expect(marksOf(link(url))).toContain('langsmith_url_dropped');
  });
  test('loses what must not be stored', () => {
    expect(link('https://smith.langchain.com/r?user=bob@example.com').facts?.langsmithUrl).toBe(
      'https://smith.langchain.com/r',
    );
    expect(link('https://smith.langchain.com/r?token=abc').facts?.langsmithUrl).toBe('https://smith.langchain.com/r');
    for (const path of ['bob%40example.com', 'bob\\u0040example.com', 'bob&#64;example.com', '%zz'])
      expect(link(`https://smith.langchain.com/${path}`).facts?.langsmithUrl).toBeNull();
  });
});

describe('metrics', () => {
  const metrics = (...attributes: Attribute[]) => runRow(attributes).metrics;
  test('set and add, as exact decimals', () => {
    expect(
      metrics(
        int('runledger.metric.candidates_selected', 5),
        double('runledger.metric.rate', 0.1),
        int('runledger.metric_sum.emails_found', 2n ** 62n),
        text('runledger.metric.text', '1.50'),
      ),
    ).toEqual({
      set: { candidates_selected: '5', rate: '0.1', text: '1.5' },
      add: { emails_found: '4611686018427387904' },
    });
  });
  test('every span that makes a row may carry them, no other may', () => {
    const attribute = int('runledger.metric_sum.emails_found', 3);
    for (const kind of ['stage', 'item', 'vendor_call'])
      expect(mainRow(kindSpan(kind, [attribute])).metrics).toEqual({ add: { emails_found: '3' } });
    expect(
      mapSpans([span({ parentSpanId: '00f067aa0ba902b7', attributes: [attribute, int(ATTR.runId, 5)] })]).rows,
    ).toEqual([]);
  });
  test.each([
    double('runledger.metric.x', Number.NaN),
    double('runledger.metric.x', 1e300),
    text('runledger.metric.x', 'many'),
    bool('runledger.metric.x', true),
    int('runledger.metric.', 1),
  ])('what is no number is ignored with a mark: %o', (attribute) => {
    const row = runRow([attribute]);
    expect(row.metrics ?? {}).toEqual({});
    expect(marksOf(row)).toContain('metric_ignored');
  });
  test('names are cut at 64 and stay distinct; a name like __proto__ is a name', () => {
    const long = metrics(
      int(`runledger.metric.${'m'.repeat(80)}1`, 1),
      int(`runledger.metric.${'m'.repeat(80)}2`, 2),
      int('runledger.metric.__proto__', 3),
    );
    const names = Object.keys(long?.set ?? {});
    expect(names).toHaveLength(3);
    expect(names.every((name) => name.length <= 64)).toBe(true);
    expect(JSON.stringify(long)).toContain('"__proto__":"3"');
  });
  test('of one name sent twice on one span the last counts', () => {
    expect(metrics(int('runledger.metric_sum.x', 1), int('runledger.metric_sum.x', 2))).toEqual({ add: { x: '2' } });
  });
  test('at most 64 a span', () => {
    const row = runRow(Array.from({ length: 70 }, (_, index) => int(`runledger.metric.m${index}`, index)));
    expect(Object.keys(row.metrics?.set ?? {})).toHaveLength(64);
    expect(marksOf(row)).toContain('metrics_dropped');
  });
});

describe('what was sent', () => {
  const sent = [
    int(ATTR.sentStages, 3),
    int(ATTR.sentItems, 40),
    int(ATTR.sentVendorCalls, 80),
    int(ATTR.sentDropped, 1),
  ];
  test("is the run span's statement", () => {
    expect(runRow(sent).metrics).toEqual({ sent: { stages: 3, items: 40, vendor_calls: 80, dropped: 1 } });
    expect(runRow(sent.slice(0, 1)).metrics).toEqual({ sent: { stages: 3, items: 0, vendor_calls: 0, dropped: 0 } });
    expect(runRow().metrics).toBeNull();
  });
  test("is nobody else's", () => {
    expect(mainRow(kindSpan('stage', sent)).metrics).toBeNull();
  });
});
