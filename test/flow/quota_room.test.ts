/** Stages, vendors and parked bytes: less room for one tenant than for others, and nothing lost by it. */

import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { ATTR } from '../../sdk/attributes.ts';
import { int, text } from '../helpers/otlp.ts';
import { at, ended, of, quotaScene } from '../helpers/quota_scene.ts';

const scene = quotaScene();

test('a tenant with less room for names has the rest under _other; another tenant keeps its names', async () => {
  scene.limit(scene.mine, { stagesPerRun: 3, vendorsPerRun: 2 });
  const calls = (tenantId: number) =>
    Array.from({ length: 6 }, (_, index) =>
      at([
        text(ATTR.kind, 'vendor_call'),
        text(ATTR.stage, `stage ${index}`),
        text(ATTR.vendor, `vendor${index}`),
        ...of(tenantId, 'names'),
      ]),
    );
  const named = async (tenantId: number) => {
    const [row] = await scene.ledger.query<{ stages: string[]; vendors: string[]; calls: number }>(
      `select (select array_agg(stage order by stage) from public.run_stage_stats where tenant_id = $1) as stages,
         (select array_agg(vendor order by vendor) from public.run_vendor_usage where tenant_id = $1) as vendors,
         (select sum(calls)::int from public.run_vendor_usage where tenant_id = $1) as calls`,
      [tenantId],
    );
    return { stages: row?.stages.length, vendors: row?.vendors.length, other: row?.vendors[0], calls: row?.calls };
  };
  expect(await scene.answerOf(scene.mine, calls(scene.mine))).toBe('200');
  expect(await scene.answerOf(scene.theirs, calls(scene.theirs))).toBe('200');
  expect(await named(scene.mine)).toEqual({ stages: 4, vendors: 3, other: '_other', calls: 6 });
  expect(await named(scene.theirs)).toEqual({ stages: 6, vendors: 6, other: 'vendor0', calls: 6 });
  // Lowered while the run goes on: names that are there stay, new ones do not come.
  scene.limit(scene.theirs, { vendorsPerRun: 1 });
  expect(await scene.answerOf(scene.theirs, calls(scene.theirs))).toBe('200');
  const late = at([text(ATTR.kind, 'vendor_call'), text(ATTR.vendor, 'late'), ...of(scene.theirs, 'names')]);
  expect(await scene.answerOf(scene.theirs, [late])).toBe('200');
  expect(await named(scene.theirs)).toMatchObject({ vendors: 7, other: '_other', calls: 13 });
});

test('parked bytes: full is retried until there is room, one request always fits, others are not touched', async () => {
  scene.limit(scene.mine, { parkedBytes: 1_048_576 });
  // Does not compress.
  const long = () => randomBytes(100).toString('base64');
  const waiting = (tenantId: number, many: number) =>
    Array.from({ length: many }, () =>
      at([
        text(ATTR.kind, 'item'),
        int(ATTR.tenantId, tenantId),
        ...Array.from({ length: 8 }, (_, index) => text(`note${index}`, long())),
      ]),
    );
  // More than the limit by itself, and nothing waits yet.
  const large = waiting(scene.mine, 500);
  expect(await scene.answerOf(scene.mine, large)).toBe('200');
  const more = waiting(scene.mine, 100);
  let answer = '200';
  for (let request = 0; request < 20 && answer === '200'; request++)
    answer = await scene.answerOf(scene.mine, waiting(scene.mine, 100));
  expect(answer).toBe('429 after 1 s');
  expect(await scene.answerOf(scene.theirs, waiting(scene.theirs, 500))).toBe('200');
  expect(await scene.answerOf(scene.mine, more)).toBe('429 after 1 s');
  expect(scene.held.at(-1)).toBe(`parked_bytes ${scene.mine}`);
  // The roots come, what waited is placed, and there is room again.
  const roots = large.map(({ traceId }, index) => ended(scene.mine, `root ${index % 3}`, { traceId }));
  expect(await scene.answerOf(scene.mine, roots)).toBe('200');
  expect(await scene.answerOf(scene.mine, more)).toBe('200');
});
