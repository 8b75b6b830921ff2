/** Open runs: only new ones ever wait, two receivers never let in one too many, and in the end each is stored once. */

import { expect, test } from 'vitest';
import { ATTR } from '../../sdk/attributes.ts';
import { bool, int, text } from '../helpers/otlp.ts';
import { at, END_US, ended, hex, items, of, quotaScene } from '../helpers/quota_scene.ts';

const scene = quotaScene();

const names = (many: number) => Array.from({ length: many }, (_, index) => `run ${index}`);

test('new runs that come at once to two receivers never exceed the limit, and all are stored once in the end', async () => {
  scene.limit(scene.mine, { openRuns: 3 });
  const requests = names(20).map((name) => items(3, scene.mine, name));
  const answers = await Promise.all(
    requests.flatMap((request, index) => [
      scene.answerOf(scene.mine, request, index % 2 === 0 ? scene.ledger : scene.other),
      scene.answerOf(scene.mine, request, index % 2 === 0 ? scene.other : scene.ledger),
    ]),
  );
  expect(answers.filter((answer) => answer !== '200' && answer !== '429 after 3 s')).toEqual([]);
  expect(await scene.openOf(scene.mine)).toBe(3);
  // A run ends, and the next one gets in; until all are through.
  for (let round = 0; round < 20; round++) {
    const taken = await Promise.all(
      requests.map((request, index) =>
        scene.answerOf(scene.mine, request, index % 2 === 0 ? scene.ledger : scene.other),
      ),
    );
    expect(await scene.openOf(scene.mine)).toBeLessThanOrEqual(3);
    if (taken.every((answer) => answer === '200')) break;
    const open = await scene.ledger.query<{ run_key: string }>(
      "select run_key from public.enrichment_runs where tenant_id = $1 and status = 'running'",
      [scene.mine],
    );
    for (const { run_key } of open) expect(await scene.answerOf(scene.mine, [ended(scene.mine, run_key)])).toBe('200');
  }
  expect(
    await scene.count('select count(*)::int as count from public.enrichment_runs where tenant_id = $1', scene.mine),
  ).toBe(20);
  expect(
    await scene.count(
      "select count(*)::int as count from public.run_event_logs where tenant_id = $1 and kind = 'item'",
      scene.mine,
    ),
  ).toBe(60);
  expect(new Set(scene.held)).toEqual(new Set([`open_runs ${scene.mine}`]));
});

test('a run that is known is never refused: late spans, a reopened one, one with a decimal id', async () => {
  scene.limit(scene.mine, { openRuns: 1 });
  expect(await scene.answerOf(scene.mine, [ended(scene.mine, 'first')])).toBe('200');
  expect(await scene.answerOf(scene.mine, items(2, scene.mine, 41))).toBe('200');
  expect(await scene.answerOf(scene.mine, items(2, scene.mine, 42))).toBe('429 after 3 s');
  for (const by of [scene.ledger, scene.other]) {
    expect(await scene.answerOf(scene.mine, items(2, scene.mine, 'first'), by)).toBe('200');
    expect(await scene.answerOf(scene.mine, items(2, scene.mine, 41), by)).toBe('200');
  }
  await scene.ledger.query(
    "update public.enrichment_runs set status = 'abandoned' where tenant_id = $1 and run_id = 41",
    [scene.mine],
  );
  expect(await scene.answerOf(scene.mine, items(2, scene.mine, 42))).toBe('200');
  // The one that was given up comes back; it is over the limit and stored all the same.
  expect(await scene.answerOf(scene.mine, items(2, scene.mine, 41))).toBe('200');
  expect(await scene.openOf(scene.mine)).toBe(2);
  expect(await scene.answerOf(scene.mine, items(1, scene.mine, 43))).toBe('429 after 3 s');
});

test('the end of a run always gets in, whatever stands beside it, so that senders never wait for each other', async () => {
  scene.limit(scene.mine, { openRuns: 1 });
  expect(await scene.answerOf(scene.mine, items(1, scene.mine, 'holds'))).toBe('200');
  const children = items(5, scene.mine, 'short');
  expect(await scene.answerOf(scene.mine, children)).toBe('429 after 3 s');
  // Larger than a chunk: the first ones are refused, the end in the last one is stored, and the request comes again.
  const whole = [...items(1_300, scene.mine, 'short'), ended(scene.mine, 'short')];
  expect(await scene.sendUntilTaken(scene.mine, whole)).toBeLessThanOrEqual(1);
  expect(await scene.answerOf(scene.mine, children)).toBe('200');
  expect(
    await scene.count(
      "select count(*)::int as count from public.run_event_logs where tenant_id = $1 and kind = 'item'",
      scene.mine,
    ),
  ).toBe(1_306);
  expect(await scene.openOf(scene.mine)).toBe(1);
});

test('what stands beside a new run that has to wait is stored, and refusals are counted once', async () => {
  scene.limit(scene.mine, { openRuns: 1 });
  expect(await scene.answerOf(scene.mine, items(1, scene.mine, 'holds'))).toBe('200');
  const future = at([text(ATTR.kind, 'item'), ...of(scene.mine, 'holds')], {
    startUs: END_US + 100_000_000_000,
    endUs: END_US + 100_000_000_000,
  });
  const mixed = [
    ...items(2, scene.theirs, 'quiet'),
    ...items(1, scene.mine, 'holds'),
    ...items(4, scene.mine, 'waits'),
    future,
  ];
  for (let tries = 0; tries < 3; tries++) expect(await scene.answerOf('ingest', mixed)).toBe('429 after 3 s');
  expect(await scene.rowsOf(scene.theirs)).toBe(2);
  expect(await scene.rowsOf(scene.mine)).toBe(2);
  expect(await scene.answerOf(scene.mine, [ended(scene.mine, 'holds')])).toBe('200');
  expect(await scene.answerOf('ingest', mixed)).toMatch(/^200, rejected: 1 future/);
  expect(await scene.rowsOf(scene.theirs)).toBe(2);
  expect(
    await scene.count(
      'select coalesce(sum(spans), 0)::int as count from runledger.refusals where tenant_id = $1',
      scene.mine,
    ),
  ).toBe(1);
});

test('a trace whose root has to wait keeps its children, and they follow it in', async () => {
  scene.limit(scene.mine, { openRuns: 1 });
  expect(await scene.answerOf(scene.mine, items(1, scene.mine, 'holds'))).toBe('200');
  const traceId = hex(32);
  const child = at([text(ATTR.kind, 'item'), int(ATTR.tenantId, scene.mine)], { traceId });
  const marker = at(
    [
      text(ATTR.kind, 'start'),
      ...of(scene.mine, 'waits'),
      text(ATTR.subjectSpanId, hex(16)),
      text(ATTR.subjectKind, 'run'),
      text(ATTR.subjectStartUnixNano, `${END_US - 1_000_000}000`),
      bool(ATTR.subjectRoot, true),
    ],
    { traceId },
  );
  expect(await scene.answerOf(scene.mine, [child])).toBe('200');
  expect(await scene.answerOf(scene.mine, [child, marker])).toBe('429 after 3 s');
  expect(
    await scene.count('select count(*)::int as count from runledger.parked_spans where tenant_id = $1', scene.mine),
  ).toBe(1);
  expect(await scene.answerOf(scene.mine, [ended(scene.mine, 'holds')])).toBe('200');
  expect(await scene.answerOf(scene.mine, [child, marker])).toBe('200');
  expect(
    await scene.count('select count(*)::int as count from runledger.parked_spans where tenant_id = $1', scene.mine),
  ).toBe(0);
  expect(
    await scene.count(
      `select count(*)::int as count from public.run_event_logs e join public.enrichment_runs r using (tenant_id, run_id)
       where e.tenant_id = $1 and r.run_key = 'waits'`,
      scene.mine,
    ),
  ).toBe(2);
});

test('a run that was let in and never came gives its place back', async () => {
  scene.limit(scene.mine, { openRuns: 1 });
  await scene.ledger.query("insert into runledger.run_admissions values ($1, 999, now() - interval '4 minutes')", [
    scene.mine,
  ]);
  expect(await scene.answerOf(scene.mine, items(1, scene.mine, 'next'))).toBe('429 after 3 s');
  await scene.ledger.query(
    "update runledger.run_admissions set admitted_at = now() - interval '6 minutes' where tenant_id = $1",
    [scene.mine],
  );
  expect(await scene.answerOf(scene.mine, items(1, scene.mine, 'next'))).toBe('200');
  expect(await scene.answerOf(scene.mine, items(1, scene.mine, 'one more'))).toBe('429 after 3 s');
  expect(
    await scene.count('select count(*)::int as count from runledger.run_admissions where tenant_id = $1', scene.mine),
  ).toBe(0);
});

test('a refused run takes no run id, however often it comes; raising or taking away the limit lets it in', async () => {
  scene.limit(scene.mine, { openRuns: 1 });
  expect(await scene.answerOf(scene.mine, items(1, scene.mine, 'holds'))).toBe('200');
  for (const name of names(30))
    expect(await scene.answerOf(scene.mine, items(1, scene.mine, name))).toBe('429 after 3 s');
  expect(
    await scene.count('select count(*)::int as count from runledger.run_keys where tenant_id = $1', scene.mine),
  ).toBe(1);
  scene.limit(scene.mine, { openRuns: 2 });
  expect(await scene.answerOf(scene.mine, items(1, scene.mine, 'run 0'))).toBe('200');
  expect(await scene.answerOf(scene.mine, items(1, scene.mine, 'run 1'))).toBe('429 after 3 s');
  scene.limit(scene.mine, {});
  expect(await scene.answerOf(scene.mine, items(1, scene.mine, 'run 1'))).toBe('200');
});
