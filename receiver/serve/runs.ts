/** GET /runs, /runs/:id, its stats and metrics, two runs side by side, and the front page's lines of pipelines. */

import { z } from 'zod';
import type { Queryable } from './access.ts';
import { runParams, runQuery, runRefParam, runsQuery, type StoredKey, tenantRef } from './input.ts';
import { Problem } from './problem.ts';
import { readLines, readListedRuns, readMetrics, readRun, readRuns, readStats, resolveTenant } from './read.ts';
import { type Asked, type Route, route } from './route.ts';
import {
  type ListedRun,
  type PipelinePage,
  pipelinePage,
  type Run,
  type RunComparison,
  type RunDetail,
  runComparison,
  runDetail,
  runMetrics,
  runPage,
  runStats,
} from './shape.ts';

export interface RunLinks {
  /** Base address of a Jaeger UI; null: no links to it. */
  jaegerUiUrl: string | null;
}

export interface RunRouteDeps extends RunLinks {
  storedKey: StoredKey;
}

const PIPELINE_DAYS = 30;
const STRIP_RUNS = 14;

export function runRoutes(deps: RunRouteDeps): Route[] {
  return [
    route({
      method: 'get',
      path: '/runs',
      access: 'read',
      summary: 'Runs, newest first',
      query: runsQuery,
      answer: runPage,
      handle: ({ query: { tenant, ...filter } }, { scope }) =>
        scope.read(async (client) => {
          return readRuns(client, { ...filter, tenantId: await resolveTenant(client, scope, tenant) });
        }),
    }),
    route({
      method: 'get',
      path: '/runs/:id',
      access: 'read',
      summary: 'One run',
      params: runParams,
      query: runQuery,
      answer: runDetail,
      also: { 409: 'The id names runs of several tenants; `runs` lists them' },
      handle: (input, asked) => withRun(deps, input, asked, (client, run) => readDetail(client, run, deps)),
    }),
    route({
      method: 'get',
      path: '/runs/:id/stats',
      access: 'read',
      summary: 'Its stages and vendors: counts, percentiles, tokens, cost',
      params: runParams,
      query: runQuery,
      answer: runStats,
      handle: (input, asked) => withRun(deps, input, asked, readStats),
    }),
    route({
      method: 'get',
      path: '/runs/:id/metrics',
      access: 'read',
      summary: 'Its business numbers',
      params: runParams,
      query: runQuery,
      answer: runMetrics,
      handle: (input, asked) => withRun(deps, input, asked, readMetrics),
    }),
    route({
      method: 'get',
      path: '/runs/:id/compare',
      access: 'read',
      summary: 'It beside another run of the tenant, or the one before it',
      params: runParams,
      query: runQuery.extend({
        with: runRefParam.default('previous').describe('A run id or run key of the same tenant, or previous'),
      }),
      answer: runComparison,
      handle: (input, asked) =>
        withRun(deps, input, asked, (client, run) => compareRuns(client, run, input.query.with, deps.storedKey)),
    }),
    route({
      method: 'get',
      path: '/pipelines',
      access: 'read',
      summary: 'Each pipeline of each tenant: its last run, the runs before, what fires',
      query: z.strictObject({ tenant: tenantRef.optional() }),
      answer: pipelinePage,
      handle: ({ query }, { scope, now }) =>
        scope.read(async (client) => readPipelines(client, await resolveTenant(client, scope, query.tenant), now)),
    }),
  ];
}

export interface RunAsked {
  params: z.output<typeof runParams>;
  query: z.output<typeof runQuery>;
}

/** Reads the run that a request names, and more of it in the same transaction. */
export function withRun<T>(
  { storedKey }: { storedKey: StoredKey },
  { params, query }: RunAsked,
  { scope }: Pick<Asked, 'scope'>,
  read: (client: Queryable, run: Run) => Promise<T>,
): Promise<T> {
  return scope.read(async (client) =>
    read(client, await readRun(client, params.id, await resolveTenant(client, scope, query.tenant), storedKey)),
  );
}

export async function readDetail(client: Queryable, run: Run, links: RunLinks): Promise<RunDetail> {
  const [listed] = await readListedRuns(client, [run]);
  if (listed === undefined) throw new Problem(404, `There is no run ${run.run_id}`);
  return { ...listed, ...run, links: runLinks(run, links) };
}

async function compareRuns(client: Queryable, run: Run, ref: string, storedKey: StoredKey): Promise<RunComparison> {
  const other =
    ref === 'previous' ? await previousOf(client, run) : await readRun(client, ref, run.tenant_id, storedKey);
  const [listed, listedOther] = await readListedRuns(client, [run, other]);
  if (listed === undefined || listedOther === undefined) throw new Problem(404, 'One of the two runs is gone');
  const [stats, otherStats] = [await readStats(client, run), await readStats(client, other)];
  const [metrics, otherMetrics] = [await readMetrics(client, run), await readMetrics(client, other)];
  return {
    run: listed,
    with: listedOther,
    stages: pairs(stats.stage_stats, otherStats.stage_stats, (line) => line.stage).map(([stage, pair]) => ({
      stage,
      ...pair,
    })),
    vendors: pairs(stats.vendor_usage, otherStats.vendor_usage, (line) => line.vendor).map(([vendor, pair]) => ({
      vendor,
      ...pair,
    })),
    metrics: pairs(Object.entries(metrics.metrics), Object.entries(otherMetrics.metrics), ([name]) => name).map(
      ([name, pair]) => ({ name, run: pair.run?.[1] ?? null, with: pair.with?.[1] ?? null }),
    ),
  };
}

async function previousOf(client: Queryable, run: Run): Promise<Run> {
  const [previous] = await readLines<{ run_id: number }>(client, 'queries/serve/previous_run', [
    run.tenant_id,
    run.run_id,
  ]);
  if (previous === undefined) {
    throw new Problem(404, 'No earlier run of this pipeline and environment has ended; name another with ?with=');
  }
  return readRun(client, String(previous.run_id), run.tenant_id);
}

/** What either list names, in the order of the first and then of the second. */
function pairs<T>(run: T[], other: T[], nameOf: (line: T) => string): [string, { run: T | null; with: T | null }][] {
  const names = [...new Set([...run, ...other].map(nameOf))];
  const find = (lines: T[], name: string) => lines.find((line) => nameOf(line) === name) ?? null;
  return names.map((name) => [name, { run: find(run, name), with: find(other, name) }]);
}

type PipelineLine = PipelinePage['pipelines'][number];

async function readPipelines(client: Queryable, tenantId: number | null, now: Date): Promise<PipelinePage> {
  const lines = await readLines<Omit<PipelineLine, 'last_run'> & { last_run_id: number }>(
    client,
    'queries/serve/pipelines',
    [tenantId, PIPELINE_DAYS, STRIP_RUNS, now],
  );
  const runs = await readListedRuns(
    client,
    lines.map((line) => ({ tenant_id: line.tenant_id, run_id: line.last_run_id })),
  );
  const byName = new Map<string, ListedRun>(runs.map((run) => [`${run.tenant_id}:${run.run_id}`, run]));
  return {
    pipelines: lines.flatMap(({ last_run_id, ...line }) => {
      const lastRun = byName.get(`${line.tenant_id}:${last_run_id}`);
      return lastRun === undefined ? [] : [{ ...line, last_run: lastRun }];
    }),
  };
}

/** Where else this run can be looked at; null where there is nothing to link to. */
export function runLinks(run: Pick<Run, 'trace_id' | 'langsmith_trace_url'>, links: RunLinks) {
  const traceUrl = traceUrlOf(links);
  const traceId = run.trace_id !== null && /^[0-9a-f]{32}$/.test(run.trace_id) ? run.trace_id : null;
  return {
    jaeger: traceUrl !== null && traceId !== null ? traceUrl.replace('{trace_id}', traceId) : null,
    langsmith: run.langsmith_trace_url,
  };
}

/** Where a trace can be looked at, {trace_id} to be filled in. */
export function traceUrlOf({ jaegerUiUrl }: RunLinks): string | null {
  return jaegerUiUrl === null ? null : `${jaegerUiUrl.replace(/\/+$/, '')}/trace/{trace_id}`;
}
