/** GET /runs/:id/events, its failures by code, what ended when, and how durations spread. */

import { z } from 'zod';
import { TIMELINE_STEPS } from '../derive/timelines.ts';
import { loadSql } from '../store/sql.ts';
import type { Queryable } from './access.ts';
import { cursorInt, cursorText, cursorTime, cutPage, decodeCursor } from './cursor.ts';
import { count, cursor, item, runParams, runQuery, text } from './input.ts';
import { Problem } from './problem.ts';
import { readLine, readLines } from './read.ts';
import { type Route, route } from './route.ts';
import { type RunRouteDeps, traceUrlOf, withRun } from './runs.ts';
import type { Run } from './shape.ts';
import {
  type EventLine,
  eventPage,
  type RunDurations,
  type RunErrors,
  type RunTimeline,
  runDurations,
  runErrors,
  runTimeline,
} from './shape_events.ts';

const ERROR_GROUPS = 50;
const EXAMPLES = 3;
const STEPS_MAX = 240;
const BUCKET_GROWTH = 1.02;

const eventsQuery = runQuery.extend({
  stage: text(64).optional(),
  kind: z.enum(['run', 'stage', 'item', 'vendor_call', 'event', 'log']).optional(),
  status: z.enum(['ok', 'error', 'skip', 'retry']).optional(),
  event: text(64).optional(),
  vendor: text(64).optional(),
  item: item.optional(),
  error_code: text(64).optional(),
  sort: z.enum(['ts', '-ts', 'slowest']).default('ts').describe('slowest gives one page, without a cursor'),
  limit: count(1000).default(200),
  cursor: cursor.optional(),
});
const eventKey = z.tuple([cursorTime, cursorText, cursorInt]);

const durationsQuery = runQuery.extend({ stage: text(64).optional(), vendor: text(64).optional() });

export function eventRoutes(deps: RunRouteDeps): Route[] {
  return [
    route({
      method: 'get',
      path: '/runs/:id/events',
      access: 'read',
      summary: 'Its events in the order of (ts, span_id, seq)',
      params: runParams,
      query: eventsQuery,
      answer: eventPage,
      handle: (input, asked) =>
        withRun(deps, input, asked, async (client, run) => ({
          run_id: run.run_id,
          tenant_id: run.tenant_id,
          trace_url: traceUrlOf(deps),
          ...(await readEvents(client, run, input.query)),
        })),
    }),
    route({
      method: 'get',
      path: '/runs/:id/errors',
      access: 'read',
      summary: 'Its failures by code, with examples',
      params: runParams,
      query: runQuery,
      answer: runErrors,
      handle: (input, asked) =>
        withRun(deps, input, asked, (client, run) =>
          readLine<RunErrors>(client, 'queries/serve/errors', [...boundsOf(run), ERROR_GROUPS, EXAMPLES]),
        ),
    }),
    route({
      method: 'get',
      path: '/runs/:id/timeline',
      access: 'read',
      summary: 'How many items and vendor calls of each stage ended when',
      params: runParams,
      query: runQuery.extend({ steps: count(STEPS_MAX).default(TIMELINE_STEPS) }),
      answer: runTimeline,
      handle: (input, asked) =>
        withRun(deps, input, asked, (client, run) => readTimeline(client, run, input.query.steps)),
    }),
    route({
      method: 'get',
      path: '/runs/:id/durations',
      access: 'read',
      summary: 'How the durations of a stage or a vendor spread',
      params: runParams,
      query: durationsQuery.refine((query) => (query.stage === undefined) !== (query.vendor === undefined), {
        path: ['stage'],
        error: 'or vendor must be given, and not both',
      }),
      answer: runDurations,
      handle: (input, asked) => withRun(deps, input, asked, (client, run) => readDurations(client, run, input.query)),
    }),
  ];
}

function boundsOf(run: Run): unknown[] {
  return [run.tenant_id, run.run_id, run.first_event_at, run.last_event_at];
}

async function readEvents(client: Queryable, run: Run, query: z.output<typeof eventsQuery>) {
  if (query.sort === 'slowest' && query.cursor !== undefined) {
    throw new Problem(400, 'sort=slowest gives one page; ask for more of it with limit');
  }
  const after = decodeCursor(eventKey, query.cursor) ?? [null, null, null];
  const lines = await readLines<EventLine>(client, 'queries/serve/events', [
    ...boundsOf(run),
    query.limit + 1,
    query.sort,
    ...after,
    query.stage ?? null,
    query.kind ?? null,
    query.status ?? null,
    query.event ?? null,
    query.vendor ?? null,
    query.item ?? null,
    query.error_code ?? null,
  ]);
  const { shown, next_cursor } = cutPage(lines, query.limit, (event) => [event.ts, event.span_id, event.seq]);
  return { events: shown, next_cursor: query.sort === 'slowest' ? null : next_cursor };
}

interface StepRow {
  stage: string;
  step: number;
  items_ok: number;
  items_error: number;
  items_skip: number;
  vendor_calls: number;
  vendor_errors: number;
  vendor_ms: number;
}

async function readTimeline(client: Queryable, run: Run, steps: number): Promise<RunTimeline> {
  const { run_id, tenant_id, first_event_at: from, last_event_at: to } = run;
  if (from === null || to === null) return { run_id, tenant_id, from, to, step_ms: 1, steps: 0, stages: [] };
  // Never 0, and a little more than the whole, so that the last event is in the last step.
  const stepMs = Math.max(1, Math.ceil((Date.parse(to) - Date.parse(from) + 1) / steps));
  const values = [tenant_id, run_id, from, to, steps, stepMs];
  const { rows } = await client.query<StepRow>(loadSql('queries/serve/timeline'), values);
  const stages = new Map<string, RunTimeline['stages'][number]>();
  for (const row of rows) {
    const stage = stages.get(row.stage) ?? emptyStage(row.stage, steps);
    stages.set(row.stage, stage);
    for (const name of SERIES) stage[name][row.step] = row[name];
  }
  return { run_id, tenant_id, from, to, step_ms: stepMs, steps, stages: [...stages.values()] };
}

const SERIES = ['items_ok', 'items_error', 'items_skip', 'vendor_calls', 'vendor_errors', 'vendor_ms'] as const;

function emptyStage(stage: string, steps: number): RunTimeline['stages'][number] {
  const zeros = () => new Array<number>(steps).fill(0);
  return {
    stage,
    items_ok: zeros(),
    items_error: zeros(),
    items_skip: zeros(),
    vendor_calls: zeros(),
    vendor_errors: zeros(),
    vendor_ms: zeros(),
  };
}

async function readDurations(
  client: Queryable,
  run: Run,
  { stage, vendor }: z.output<typeof durationsQuery>,
): Promise<RunDurations> {
  const { duration_class, buckets } = await readLine<{ duration_class: string; buckets: [number, number][] }>(
    client,
    'queries/serve/durations',
    [...boundsOf(run), stage ?? null, vendor ?? null],
  );
  return {
    run_id: run.run_id,
    tenant_id: run.tenant_id,
    stage: stage ?? null,
    vendor: vendor ?? null,
    duration_class,
    samples: buckets.reduce((sum, [, samples]) => sum + samples, 0),
    bins: buckets.map(([index, samples]) => ({
      from_ms: index < 0 ? 0 : round(BUCKET_GROWTH ** index),
      to_ms: index < 0 ? 1 : round(BUCKET_GROWTH ** (index + 1)),
      count: samples,
    })),
  };
}

function round(ms: number): number {
  return Number(ms.toPrecision(6));
}
