/** What Jaeger must never get, planted in every place of a span and looked for in Jaeger; and what must survive. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ORDINARY } from '../fixtures/sensitive.ts';
import { writeFigures } from './figures.ts';
import { type JaegerTrace, readTrace } from './jaeger_api.ts';
import {
  leaks,
  NESTED_PART,
  PROMPT_PART,
  plantedTrace,
  RUN_KEY,
  SECRET_PART,
  SENSITIVE,
  stringsOf,
  TRACE_ID,
} from './planted.ts';
import { until } from './program.ts';
import { onLedger, openScene, type Scene } from './scene.ts';

const MINUTE_MS = 60_000;

let scene: Scene;
let trace: JaegerTrace;
let queueText: string;
const planted = plantedTrace();

beforeAll(async () => {
  scene = await openScene();
  await scene.stopReceiver();
  const response = await fetch(`${scene.collector.httpUrl}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: planted.body,
  });
  expect([response.status, await response.json()]).toEqual([200, { partialSuccess: {} }]);
  await until('Jaeger has the planted trace', MINUTE_MS, async () => {
    const found = await readTrace(scene.jaeger.url, TRACE_ID);
    if (found?.spans.length !== planted.spans) return false;
    trace = found;
    return true;
  });
  queueText = readdirSync(scene.queueDir)
    .map((name) => readFileSync(join(scene.queueDir, name), 'latin1'))
    .join('\n');
  await scene.startReceiver();
}, 2 * MINUTE_MS);

afterAll(() => scene?.close(), MINUTE_MS);

test('no address and no secret is in Jaeger: names, messages, attributes, lists, maps, events, resources, scopes, links', () => {
  const strings = stringsOf(JSON.parse(trace.text));
  expect(leaks(strings, [...SENSITIVE.map(([, part]) => part), SECRET_PART])).toEqual([]);
});

test('no prompt, completion, message or document is in Jaeger', () => {
  expect(leaks(stringsOf(JSON.parse(trace.text)), [PROMPT_PART, NESTED_PART])).toEqual([]);
});

test('what only looks alike survives, and numbers stay numbers', () => {
  const root = trace.spans.find(({ operationName }) => operationName === 'planted');
  for (const [index, value] of ORDINARY.entries()) {
    expect(root?.tags.find(({ key }) => key === `ordinary.${index}`)?.value).toBe(value);
  }
  const byKey = trace.spans.find(({ operationName }) => operationName === 'by key');
  expect(byKey?.tags.find(({ key }) => key === 'http.request.body.size')?.value).toBe(1234);
  expect(byKey?.tags.find(({ key }) => key === 'gen_ai.usage.input_tokens')?.value).toBe(17);
});

test('names and messages keep what is around the secret, and nothing that was lent to mask them is left', () => {
  expect(trace.spans.flatMap(({ tags }) => tags).filter(({ key }) => key.startsWith('runledger.lent'))).toEqual([]);
  const messages = trace.spans.map(({ tags }) => tags.find(({ key }) => key === 'otel.status_description')?.value);
  expect(messages.filter((message) => String(message).startsWith('failed for')).length).toBe(SENSITIVE.length);
});

test("no prompt waits in the Collector's queues on disk while Runledger is away", () => {
  expect(queueText.length).toBeGreaterThan(1000);
  expect(queueText).not.toContain(PROMPT_PART);
});

test('the ledger has the run of the planted trace, from the queue', async () => {
  await expect
    .poll(() => onLedger(scene, 'select status from enrichment_runs where run_key = $1', [RUN_KEY]), {
      timeout: MINUTE_MS,
    })
    .toEqual([{ status: 'succeeded' }]);
});

test('figures', () => {
  const strings = stringsOf(JSON.parse(trace.text));
  const found = leaks(strings, [...SENSITIVE.map(([, part]) => part), SECRET_PART, PROMPT_PART, NESTED_PART]);
  writeFigures('Privacy on the way to Jaeger', scene.peers, {
    'sensitive texts, planted in ten places each': SENSITIVE.length,
    'spans planted, in Jaeger': `${planted.spans}, ${trace.spans.length}`,
    'strings in the answer of Jaeger': strings.length,
    'of the planted, found there': found.length,
  });
  expect(found).toEqual([]);
});
