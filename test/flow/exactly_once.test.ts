/** Random span sets, delivered once in order and once as badly as networks and processes do it, end in the same tables. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { expectExactlyOnce, restlessQuotas } from '../helpers/exactly_once.ts';

/** RUNLEDGER_PROPERTY_SETS and RUNLEDGER_PROPERTY_SEED choose how many sets and which. */
const SETS = Number(process.env.RUNLEDGER_PROPERTY_SETS ?? 12);
const FIRST_SEED = Number(process.env.RUNLEDGER_PROPERTY_SEED ?? 1);

let ordered: TestDatabase;
let shuffled: TestDatabase;
beforeAll(async () => {
  ordered = await createTestDatabase();
  shuffled = await createTestDatabase();
});
afterAll(async () => {
  await ordered.drop();
  await shuffled.drop();
});

test('any order, cut, encoding, resend, sender count and killed connection ends as one ordered delivery', {
  timeout: 120_000 + SETS * 4_000,
}, async () => {
  const killed = await expectExactlyOnce(ordered, shuffled, { sets: SETS, firstSeed: FIRST_SEED });
  expect(killed, 'some connections were killed in flight').toBeGreaterThan(0);
});

test('so it ends too where quotas hold senders back all the while, and change', {
  timeout: 120_000 + SETS * 4_000,
}, async () => {
  const held = new Map<string, number>();
  const quotas = restlessQuotas((quota) => held.set(quota, (held.get(quota) ?? 0) + 1));
  const sets = Math.ceil(SETS / 3);
  await expectExactlyOnce(ordered, shuffled, { sets, firstSeed: FIRST_SEED + 1_000 }, quotas);
  expect([...held.keys()].sort(), 'both quotas held somebody').toEqual(['open_runs', 'spans_per_second']);
});
