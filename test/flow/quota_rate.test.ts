/** Spans per second: a loud tenant is held to its rate and loses nothing, and others go on beside it. */

import { expect, test } from 'vitest';
import { ATTR } from '../../sdk/attributes.ts';
import { int, text } from '../helpers/otlp.ts';
import { at, items, of, quotaScene } from '../helpers/quota_scene.ts';

const scene = quotaScene();

test('a loud tenant is held to its rate and in the end has every span once', async () => {
  scene.limit(scene.mine, { spansPerSecond: 50, burstSpans: 50 });
  const requests = Array.from({ length: 20 }, () => items(40, scene.mine, 'loud'));
  const startMs = scene.nowMs;
  let refused = 0;
  for (const request of requests) refused += await scene.sendUntilTaken(scene.mine, request);
  expect(refused).toBeGreaterThan(5);
  // 800 spans, of which the burst and the last request are free.
  expect(scene.nowMs - startMs).toBeGreaterThanOrEqual(((800 - 50 - 40) / 50) * 1000);
  expect(await scene.rowsOf(scene.mine)).toBe(800);
  expect(new Set(scene.held)).toEqual(new Set([`spans_per_second ${scene.mine}`]));
  // What was taken twice is still there once.
  scene.nowMs += 60_000;
  await scene.sendUntilTaken(scene.mine, requests[3] ?? []);
  expect(await scene.rowsOf(scene.mine)).toBe(800);
});

test('a request larger than the burst goes through whole, and its debt is paid before the next', async () => {
  scene.limit(scene.mine, { spansPerSecond: 100, burstSpans: 10 });
  expect(await scene.answerOf(scene.mine, items(1_200, scene.mine, 'large'))).toBe('200');
  expect(await scene.answerOf(scene.mine, items(1, scene.mine, 'large'))).toBe('429 after 3 s');
  scene.nowMs += 11_800;
  expect(await scene.answerOf(scene.mine, items(1, scene.mine, 'large'))).toBe('429 after 1 s');
  scene.nowMs += 200;
  expect(await scene.answerOf(scene.mine, items(1, scene.mine, 'large'))).toBe('200');
  expect(await scene.rowsOf(scene.mine)).toBe(1_201);
});

test('in a mixed request the quiet tenant is stored at once, pays once, and the loud one loses nothing', async () => {
  scene.limit(scene.mine, { spansPerSecond: 10, burstSpans: 10 });
  scene.limit(scene.theirs, { spansPerSecond: 10, burstSpans: 25 });
  expect(await scene.answerOf('ingest', items(30, scene.mine, 'loud'))).toBe('200');
  const mixed = [
    ...items(20, scene.theirs, 'quiet'),
    ...items(20, scene.mine, 'loud'),
    ...items(4, scene.theirs, 'quiet'),
  ];
  for (let tries = 0; tries < 5; tries++) expect(await scene.answerOf('ingest', mixed)).toBe('429 after 2 s');
  expect(await scene.rowsOf(scene.theirs)).toBe(24);
  expect(await scene.rowsOf(scene.mine)).toBe(30);
  // Five tries in vain cost the quiet tenant nothing: 24 of its 25 go with the sixth.
  scene.nowMs += 2_100;
  expect(await scene.answerOf('ingest', mixed)).toBe('200');
  expect(await scene.rowsOf(scene.theirs)).toBe(24);
  expect(await scene.rowsOf(scene.mine)).toBe(50);
  expect(scene.held).toEqual(Array.from({ length: 5 }, () => `spans_per_second ${scene.mine}`));
});

test('a request that the database did not take costs nothing', async () => {
  scene.limit(scene.mine, { spansPerSecond: 1, burstSpans: 10 });
  const parkedFull = at([text(ATTR.kind, 'item'), int(ATTR.tenantId, scene.mine)]);
  await scene.ledger.query(
    `insert into runledger.parked_spans (tenant_id, trace_id, ts, span_id, seq, reason, row, parked_at)
     select $1, lpad(n::text, 32, 'e'), now(), lpad(n::text, 16, '0'), 1, 'no_run_yet', '{}', now() from generate_series(1, 20000) n`,
    [scene.mine],
  );
  for (let tries = 0; tries < 5; tries++) {
    expect(await scene.answerOf(scene.mine, [...items(9, scene.mine, 'again'), parkedFull])).toBe('429 after 1 s');
  }
  await scene.ledger.query('delete from runledger.parked_spans where tenant_id = $1', [scene.mine]);
  expect(await scene.answerOf(scene.mine, [...items(9, scene.mine, 'again'), parkedFull])).toBe('200');
  expect(scene.held).toEqual(Array.from({ length: 5 }, () => `parked_bytes ${scene.mine}`));
});

test('heartbeats and spans that make no row count with a tenant token; other tenants are not touched', async () => {
  scene.limit(scene.mine, { spansPerSecond: 1, burstSpans: 5 });
  const nothing = Array.from({ length: 5 }, () => at([]));
  expect(await scene.answerOf(scene.mine, nothing)).toBe('200');
  expect(await scene.answerOf(scene.mine, items(1, scene.mine, 'late'))).toBe('429 after 1 s');
  const beats = Array.from({ length: 5 }, () => at([text(ATTR.kind, 'heartbeat'), ...of(scene.theirs, 'beating')]));
  scene.limit(scene.theirs, { spansPerSecond: 1, burstSpans: 5 });
  expect(await scene.answerOf('ingest', beats)).toBe('200');
  expect(await scene.answerOf(scene.theirs, items(1, scene.theirs, 'beating'))).toBe('429 after 1 s');
});
