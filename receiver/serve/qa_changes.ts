/** PATCH /qa/:run/:item and PUT /qa/settings: what a reviewer says of a sample, and what is drawn at all. */

import { z } from 'zod';
import { loadSql } from '../store/sql.ts';
import type { Caller, Queryable } from './access.ts';
import { actorOf, note, person, recordAct } from './act.ts';
import { item, runQuery, runRefParam, type StoredKey, tenantBody, text } from './input.ts';
import { Problem } from './problem.ts';
import { readSample } from './qa.ts';
import { readLines, readRun, readTenantId, resolveTenant } from './read.ts';
import { type Route, route } from './route.ts';
import type { Run } from './shape.ts';
import { checks, QA_RESULTS, type QaSetting, qaSample, qaSetting } from './shape_qa.ts';

const sampleParams = z.strictObject({ run: runRefParam.describe('A run id or a run key'), item });
const review = z.strictObject({
  result: z.enum(QA_RESULTS).describe('needs_review takes a review back'),
  reviewer: person,
  notes: note.nullable().optional().describe('null removes them'),
  checks: checks.optional().describe("Some or all of the sample's checks"),
});
type Review = z.output<typeof review>;

const setting = z.strictObject({
  tenant: tenantBody.shape.tenant.optional().describe('Absent: everybody without a line of their own'),
  bucket: text(16).transform((bucket) => bucket.toLowerCase()),
  sample_limit: z.int().min(0).max(200),
  checks: z
    .record(text(64), z.boolean())
    .refine((list) => Object.keys(list).length <= 20, 'has more than 20 checks')
    .refine((list) => JSON.stringify(list).length <= 3000, 'is too long'),
  by: person.optional(),
});

export function qaChangeRoutes({ storedKey }: { storedKey: StoredKey }): Route[] {
  return [
    route({
      method: 'patch',
      path: '/qa/:run/:item',
      access: 'review',
      summary: 'What a reviewer says of a sample',
      params: sampleParams,
      query: runQuery,
      body: review,
      answer: qaSample,
      handle: ({ params, query, body }, { scope, caller, now }) =>
        scope.change(async (client) => {
          const run = await readRun(client, params.run, await resolveTenant(client, scope, query.tenant), storedKey);
          await reviewSample(client, run, params.item, body, caller, now);
          return readSample(client, run, params.item);
        }),
    }),
    route({
      method: 'put',
      path: '/qa/settings',
      access: 'admin',
      summary: 'How many items of a bucket are drawn, and the checklist they begin with',
      body: setting,
      answer: qaSetting,
      handle: ({ body }, { scope, caller, now }) =>
        scope.change(async (client) => {
          const tenantId = body.tenant === undefined ? 0 : await readTenantId(client, body.tenant);
          if (tenantId === null) throw new Problem(404, `There is no tenant ${body.tenant}`);
          const { bucket, sample_limit, checks: list } = body;
          const sql = loadSql('queries/serve/set_qa_setting');
          await client.query(sql, [tenantId, bucket, sample_limit, JSON.stringify(list)]);
          const details = { sample_limit, checks: Object.keys(list) };
          const act = { tenantId, by: body.by ?? null, act: 'qa_settings', object: `bucket ${bucket}`, details };
          await recordAct(client, caller, act, now);
          return readSetting(client, tenantId, bucket);
        }),
    }),
  ];
}

/** @throws Problem 404 for an item that was not drawn, 400 for a check that its list does not have */
async function reviewSample(
  client: Queryable,
  run: Run,
  companyId: number,
  body: Review,
  caller: Caller,
  now: Date,
): Promise<void> {
  const key = [run.tenant_id, run.run_id, companyId];
  const { rows } = await client.query<{ result: string; checks: Record<string, boolean>; reviewer: string | null }>(
    loadSql('queries/serve/lock_sample'),
    key,
  );
  const [before] = rows;
  if (before === undefined) throw new Problem(404, `Item ${companyId} is no sample of run ${run.run_id}`);
  const unknown = Object.keys(body.checks ?? {}).filter((name) => !Object.hasOwn(before.checks, name));
  if (unknown.length > 0) {
    const known = Object.keys(before.checks).join(', ') || 'none';
    const errors = unknown.slice(0, 10).map((name) => ({
      parameter: `checks.${name.slice(0, 64)}`,
      message: `is not on this sample's list: ${known}`,
    }));
    throw new Problem(400, errors.map(({ parameter, message }) => `${parameter} ${message}`).join('; '), {
      members: { errors },
    });
  }
  const takenBack = body.result === 'needs_review';
  await client.query(loadSql('queries/serve/review_sample'), [
    ...key,
    body.result,
    body.notes !== undefined,
    body.notes ?? null,
    JSON.stringify(body.checks ?? {}),
    takenBack ? null : actorOf(caller, body.reviewer),
    takenBack ? null : now,
  ]);
  const details = { from: before.result, to: body.result, reviewer_before: before.reviewer };
  const object = `qa ${run.run_id}/${companyId}`;
  await recordAct(
    client,
    caller,
    { tenantId: run.tenant_id, by: body.reviewer, act: 'qa_review', object, details },
    now,
  );
}

async function readSetting(client: Queryable, tenantId: number, bucket: string): Promise<QaSetting> {
  const lines = await readLines<QaSetting>(client, 'queries/serve/qa_settings', [tenantId]);
  const found = lines.find((line) => line.tenant_id === tenantId && line.bucket === bucket);
  if (found === undefined) throw new Error('A setting that was just stored is not there');
  return found;
}
