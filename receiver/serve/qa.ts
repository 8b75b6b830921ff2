/** GET /qa and how far the checking is. */

import { z } from 'zod';
import type { Queryable } from './access.ts';
import { cursorId, cursorInt, cursorTime, cutPage, decodeCursor } from './cursor.ts';
import { count, cursor, runRefParam, type StoredKey, tenantRef, text } from './input.ts';
import { Problem } from './problem.ts';
import { readLine, readLines, readRun, resolveTenant } from './read.ts';
import { type Asked, type Route, route } from './route.ts';
import {
  QA_RESULTS,
  type QaProgress,
  type QaSample,
  type QaSetting,
  type QaSummary,
  qaPage,
  qaSettings,
  qaSummary,
} from './shape_qa.ts';

const SUMMARY_RUNS = 50;

const filters = z.strictObject({
  tenant: tenantRef.optional(),
  run: runRefParam.optional().describe('A run id or run key'),
  bucket: text(16)
    .transform((bucket) => bucket.toLowerCase())
    .optional(),
  reviewer: text(100).optional(),
  pipeline: text(256).optional(),
});
const qaQuery = filters.extend({
  result: z.enum(QA_RESULTS).optional(),
  limit: count(200).default(50),
  cursor: cursor.optional(),
});
const qaKey = z.tuple([cursorTime, cursorInt, cursorId, cursorId]);

/** What the database is asked for: a run's number instead of its name. */
interface QaFilter {
  tenantId: number | null;
  runId: number | null;
  bucket: string | null;
  reviewer: string | null;
  pipeline: string | null;
}

export function qaRoutes({ storedKey }: { storedKey: StoredKey }): Route[] {
  return [
    route({
      method: 'get',
      path: '/qa',
      access: 'read',
      summary: 'Samples to check, the newest draw first',
      query: qaQuery,
      answer: qaPage,
      handle: ({ query }, asked) =>
        withFilter(query, asked, storedKey, async (client, filter) => {
          const page = await readSamples(client, filter, query);
          return { ...page, progress: await readProgress(client, filter) };
        }),
    }),
    route({
      method: 'get',
      path: '/qa/summary',
      access: 'read',
      summary: 'How far the checking is and what passed: by run, reviewer and check',
      query: filters,
      answer: qaSummary,
      handle: ({ query }, asked) => withFilter(query, asked, storedKey, readSummary),
    }),
    route({
      method: 'get',
      path: '/qa/settings',
      access: 'read',
      summary: 'Which buckets are drawn, how many items of each, and the checklist; tenant 0 is everybody',
      query: z.strictObject({ tenant: tenantRef.optional() }),
      answer: qaSettings,
      handle: ({ query }, { scope }) =>
        scope.read(async (client) => ({
          settings: await readLines<QaSetting>(client, 'queries/serve/qa_settings', [
            await resolveTenant(client, scope, query.tenant),
          ]),
        })),
    }),
  ];
}

function withFilter<T>(
  query: z.output<typeof filters>,
  { scope }: Pick<Asked, 'scope'>,
  storedKey: StoredKey,
  read: (client: Queryable, filter: QaFilter) => Promise<T>,
): Promise<T> {
  return scope.read(async (client) => {
    const tenantId = await resolveTenant(client, scope, query.tenant);
    const run = query.run === undefined ? null : await readRun(client, query.run, tenantId, storedKey);
    return read(client, {
      tenantId: run?.tenant_id ?? tenantId,
      runId: run?.run_id ?? null,
      bucket: query.bucket ?? null,
      reviewer: query.reviewer ?? null,
      pipeline: query.pipeline ?? null,
    });
  });
}

async function readSamples(client: Queryable, filter: QaFilter, query: z.output<typeof qaQuery>) {
  const after = decodeCursor(qaKey, query.cursor) ?? [null, null, null, null];
  const lines = await readLines<QaSample>(client, 'queries/serve/qa', [
    filter.tenantId,
    filter.runId,
    query.result ?? null,
    filter.bucket,
    filter.reviewer,
    filter.pipeline,
    ...after,
    query.limit + 1,
    null,
  ]);
  const { shown, next_cursor } = cutPage(lines, query.limit, (sample) => [
    sample.created_at,
    sample.tenant_id,
    sample.run_id,
    sample.company_id,
  ]);
  return { samples: shown, next_cursor };
}

/** @throws Problem 404 when the item is no sample of the run */
export async function readSample(
  client: Queryable,
  run: { tenant_id: number; run_id: number },
  companyId: number,
): Promise<QaSample> {
  const filters = [run.tenant_id, run.run_id, null, null, null, null, null, null, null, null, 1, companyId];
  const [sample] = await readLines<QaSample>(client, 'queries/serve/qa', filters);
  if (sample === undefined) throw new Problem(404, `Item ${companyId} is no sample of run ${run.run_id}`);
  return sample;
}

type Counted<T> = Omit<T, 'pass_rate'>;

async function readProgress(client: Queryable, filter: QaFilter): Promise<QaProgress> {
  const { tenantId, runId, bucket, reviewer, pipeline } = filter;
  const values = [tenantId, runId, bucket, reviewer, pipeline];
  return withRate(await readLine<Counted<QaProgress>>(client, 'queries/serve/qa_progress', values));
}

async function readSummary(client: Queryable, filter: QaFilter): Promise<QaSummary> {
  const line = await readLine<{
    progress: Counted<QaProgress>;
    by_run: Counted<QaSummary['by_run'][number]>[];
    by_reviewer: Counted<QaSummary['by_reviewer'][number]>[];
    by_check: QaSummary['by_check'];
  }>(client, 'queries/serve/qa_summary', [
    filter.tenantId,
    filter.runId,
    filter.bucket,
    filter.reviewer,
    filter.pipeline,
    SUMMARY_RUNS,
  ]);
  return {
    progress: withRate(line.progress),
    by_run: line.by_run.map(withRate),
    by_reviewer: line.by_reviewer.map(withRate),
    by_check: line.by_check,
  };
}

function withRate<T extends { reviewed: number; passed: number }>(counted: T): T & { pass_rate: number | null } {
  return { ...counted, pass_rate: ratio(counted.passed, counted.reviewed) };
}

/** null over nothing; four decimals, because more would claim to be known. */
export function ratio(part: number, whole: number): number | null {
  return whole > 0 ? Math.round((part / whole) * 1e4) / 1e4 : null;
}
