/** The LangSmith link of a run, from POST /runs and from its spans in every order, each of them once or more often. */

import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { audit } from '../../receiver/derive/audit.ts';
import { rebuild } from '../../receiver/derive/rebuild.ts';
import { ATTR } from '../../sdk/attributes.ts';
import { int, requestWith, span, text, traceBody } from '../helpers/otlp.ts';
import { postTraces } from '../helpers/receiver.ts';
import { OTHER, type Stories, startStories, TENANT } from '../helpers/run_stories.ts';

let stories: Stories;

beforeAll(async () => {
  stories = await startStories();
});
afterAll(() => stories.close());

const HOST = 'https://smith.langchain.com/public';
const GIVEN = `${HOST}/given/r`;

const STEPS = {
  post: { body: { langsmith_url: GIVEN } },
  post_without: { body: {} },
  late_without: { startMs: -3_000, url: null },
  late_with: { startMs: -3_000, url: `${HOST}/late/r` },
  early_without: { startMs: -5_000, url: null },
  early_with: { startMs: -4_000, url: `${HOST}/early/r` },
} as const;
type Step = keyof typeof STEPS;
const NAMES = Object.keys(STEPS) as Step[];

/** Of its spans the earliest that has one, else the one that was given. */
function expected(steps: readonly Step[]): string | null {
  if (steps.includes('early_with')) return STEPS.early_with.url;
  if (steps.includes('late_with')) return STEPS.late_with.url;
  return steps.includes('post') ? GIVEN : null;
}

const nowMs = Date.now();

function spanOf(run: string, number: number, step: Step): string {
  const what = STEPS[step];
  if (!('startMs' in what)) throw new Error(`${step} is no span`);
  const place = NAMES.indexOf(step) + 1;
  const one = span({
    traceId: `${number}${place}`.padStart(32, '0'),
    spanId: `${number}${place}`.padStart(16, '0'),
    parentSpanId: '',
    name: 'nightly',
    startUs: (nowMs + what.startMs) * 1000,
    endUs: (nowMs - 1_000) * 1000,
    attributes: [
      int(ATTR.tenantId, TENANT),
      text(ATTR.runId, run),
      text(ATTR.kind, 'run'),
      ...(what.url === null ? [] : [text(ATTR.langsmithUrl, what.url)]),
    ],
  });
  return Buffer.from(traceBody(requestWith(one), 'json')).toString();
}

async function take(run: string, number: number, step: Step): Promise<void> {
  const what = STEPS[step];
  const answer =
    'body' in what
      ? await stories.ask('POST', '/runs', { pipeline: 'p', run_key: run, ...what.body })
      : await postTraces(stories.receiver, spanOf(run, number, step));
  expect([200, 201]).toContain(answer.status);
}

async function linkOf(run: string): Promise<string | null> {
  const answer = await stories.ask('GET', `/runs/${run}`);
  return ((await answer.json()) as { langsmith_trace_url: string | null }).langsmith_trace_url;
}

it('what somebody gave stays when the span that comes later has none', async () => {
  await take('plain', 0, 'post');
  await take('plain', 0, 'late_without');
  expect(await linkOf('plain')).toBe(GIVEN);
});

it('in whatever order and however often they come, the same link is there', async () => {
  let number = 1;
  const order = fc
    .subarray(NAMES, { minLength: 1 })
    .chain((steps) =>
      fc.tuple(fc.shuffledSubarray(steps, { minLength: steps.length }), fc.array(fc.constantFrom(...steps))),
    );
  await fc.assert(
    fc.asyncProperty(order, async ([first, again]) => {
      const run = `links-${number}`;
      for (const step of [...first, ...again]) await take(run, number, step);
      number++;
      expect(await linkOf(run)).toBe(expected(first));
    }),
    { numRuns: 40 },
  );
  expect((await audit(stories.owner)).difference).toBe(0);
  expect((await rebuild(stories.owner)).changes).toEqual([]);
}, 120_000);

it('two spans that come at once, in one request, give the earliest that has one', async () => {
  const bodies = [spanOf('at-once', 900_000, 'early_without'), spanOf('at-once', 900_000, 'late_with')];
  const [one, two] = bodies.map((body) => JSON.parse(body) as { resourceSpans: unknown[] });
  const answer = await postTraces(
    stories.receiver,
    JSON.stringify({ resourceSpans: [...(one?.resourceSpans ?? []), ...(two?.resourceSpans ?? [])] }),
  );
  expect(answer.status).toBe(200);
  expect(await linkOf('at-once')).toBe(STEPS.late_with.url);
});

it('a link for a run that is there already is kept, recorded, and refused where it leads anywhere', async () => {
  await take('there', 900_001, 'late_without');
  const given = (langsmith_url: string, token?: string) =>
    stories.ask('POST', '/runs', { pipeline: 'p', run_key: 'there', langsmith_url }, token);
  const refused = await given('https://evil.example/x');
  expect(refused.status).toBe(400);
  expect(await linkOf('there')).toBeNull();
  const answer = await given(GIVEN);
  expect([answer.status, await answer.json()]).toEqual([
    200,
    expect.objectContaining({ langsmith_trace_url: GIVEN, status: 'succeeded' }),
  ]);
  // Somebody else's run of this name is another run.
  expect((await given(`${HOST}/other/r`, stories.tokens.other)).status).toBe(201);
  expect((await given(`${HOST}/another/r`)).status).toBe(200);
  expect(await linkOf('there')).toBe(GIVEN);
  const { rows } = await stories.owner.query(
    `select tenant_id, details ->> 'langsmith_trace_url' as url from runledger.acts where act = 'run_link' order by act_id desc limit 1`,
  );
  expect(rows).toEqual([{ tenant_id: TENANT, url: GIVEN }]);
  expect(OTHER).not.toBe(TENANT);
});
