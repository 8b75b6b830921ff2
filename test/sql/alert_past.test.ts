/**
 * A rule asked about an earlier moment says what it said then: random nights are judged as of moments, and again with the tables put back to
 * how they were at each.
 */
import fc from 'fast-check';
import type { Pool, PoolClient } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { evaluateRule } from '../../receiver/derive/alerts/evaluate.ts';
import { type LoadedRule, loadRules } from '../../receiver/derive/alerts/load_rules.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { clearRuns, override, type SeededRun, seedRun } from '../helpers/alert_runs.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

let database: TestDatabase;
let owner: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 2 });
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

const START = Date.parse('2026-11-20T00:00:00Z');
const HOURS = 30;
const minute = (n: number) => new Date(START + n * 60_000).toISOString();
const minutes = fc.integer({ min: 0, max: HOURS * 60 });

interface History extends SeededRun {
  startsAt: number;
}

const run: fc.Arbitrary<History> = fc
  .record({
    startsAt: minutes,
    tenant: fc.constantFrom(7, 8),
    pipeline: fc.constantFrom('nightly', null),
    status: fc.constantFrom('succeeded', 'succeeded', 'succeeded', 'failed', 'abandoned', 'cancelled'),
    minutes: fc.integer({ min: 0, max: 400 }),
    excluded: fc.constantFrom(false, false, false, true),
    errors: fc.constantFrom(0, 25, 35, 60),
    stage: fc.constantFrom<string | null>('ok', 'error', 'running', null),
    cost: fc.constantFrom('0', '4', '11'),
    hits: fc.constantFrom(0, 2),
    candidates: fc.constantFrom(10, 90),
    p95: fc.constantFrom(1000, 1100, 9000),
  })
  .map(({ errors, stage, cost, hits, candidates, p95, ...one }) => ({
    ...one,
    receivedAt: minute(one.startsAt + one.minutes),
    stages: {
      crawl: { total: 100, errors, p95 },
      ...(stage !== null && {
        mv_refresh: { status: stage, total: 1, endedAt: stage === 'running' ? null : minute(one.startsAt) },
      }),
    },
    vendors: { serper: { cost, hits } },
    metrics: { candidates_selected: candidates },
  }));

const history = fc.record({
  runs: fc.array(run, { minLength: 1, maxLength: 14 }),
  moments: fc.array(minutes, { minLength: 3, maxLength: 4 }),
});

/** Puts the tables back to a moment: what began later is not there yet, and what ended later goes on and was heard of just now. */
async function putBack(client: PoolClient, moment: string): Promise<void> {
  await client.query('delete from public.enrichment_runs where started_at > $1', [moment]);
  await client.query(
    `update public.enrichment_runs
     set status = 'running', ended_at = null, derived_status = 'running', last_received_at = least(last_received_at, $1)
     where case status when 'abandoned' then last_received_at + interval '30 minutes' else ended_at end > $1`,
    [moment],
  );
}

async function judgeAll(client: PoolClient, rules: readonly LoadedRule[], moment: string): Promise<unknown[]> {
  const told: unknown[] = [];
  for (const rule of rules) {
    for (const { numbers, ...finding } of await evaluateRule(client, rule, new Date(moment))) {
      // A run that is silent is later called abandoned; and how long it was last silent is known, not how long before.
      const { last_received_at: _, status: __, ...known } = numbers;
      told.push({ rule: rule.rule, ...finding, numbers: rule.rule === 'run_stuck' ? {} : known });
    }
  }
  return told;
}

it('finds as of a moment in the past what it found then', async () => {
  await clearRuns(owner);
  const property = fc.asyncProperty(history, async ({ runs, moments }) => {
    await clearRuns(owner);
    await override(owner, 'cost_budget', { per_run_usd: 10, per_day_usd: 15, per_month_usd: 30 }, { tenant: 0 });
    await override(owner, 'run_stuck', { limit_minutes: 200 }, { tenant: 0 });
    await override(owner, 'service_levels', { minimum_runs: 3, p95_run_minutes: 100 }, { tenant: 0 });
    await override(owner, 'run_too_short', { minimum_runs: 2 }, { tenant: 0 });
    await override(owner, 'latency_regression', { minimum_runs: 2 }, { tenant: 0 });
    for (const { startsAt, ...one } of runs) await seedRun(owner, minute(startsAt), one);
    const client = await owner.connect();
    try {
      const { rules } = await loadRules(client);
      for (const moment of moments.map(minute)) {
        const asOf = await judgeAll(client, rules, moment);
        await client.query('begin');
        await putBack(client, moment);
        const then = await judgeAll(client, rules, moment);
        await client.query('rollback');
        expect(asOf).toEqual(then);
      }
    } finally {
      client.release();
    }
  });
  await fc.assert(property, { numRuns: 12, endOnFailure: true });
}, 120_000);
