import pg, { type Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool } from '../../receiver/store/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { quantile, roundedPercentile, sorted } from '../helpers/durations.ts';
import { type DistributionResult, provePercentiles } from '../helpers/percentile_proof.ts';

/** `npm run proof:percentiles` does the same with a million of each distribution. */
const DURATIONS = 3_000;

let database: TestDatabase;
let owner: Pool;
let superuser: Pool;
let results: DistributionResult[];

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 4 });
  superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 1 });
  results = await provePercentiles({ owner, superuser }, DURATIONS);
});
afterAll(async () => {
  await Promise.all([owner.end(), superuser.end()]);
  await database.drop();
});

describe('percentiles of five distributions, held against sorting outside the database', () => {
  it('of stages and vendors are the same to the millisecond, whatever the size of the run', () => {
    expect(results.flatMap(({ name, exactDifferent }) => exactDifferent.map((text) => `${name}: ${text}`))).toEqual([]);
    for (const { name, exactCompared } of results.slice(0, 5)) expect(exactCompared, name).toBeGreaterThan(100);
  });

  it('from trend buckets are within 1%, of one run and merged over many', () => {
    for (const { name, oneRun, manyRuns } of results) {
      for (const errors of [oneRun, manyRuns]) {
        expect(errors.relativeMax, name).toBeLessThanOrEqual(0.01);
        expect(errors.belowMsMax, name).toBeLessThan(1e-9);
      }
      expect(manyRuns.compared, name).toBeGreaterThan(500);
    }
  });
});

describe('the sorting', () => {
  it('puts a percentile between its neighbours and rounds a half up', () => {
    const values = sorted([30, 10, 11, 20]);
    expect([0, 50, 100].map((percent) => roundedPercentile(values, percent))).toEqual([10, 16, 30]);
    expect(quantile(values, 0.5)).toBe(15.5);
    expect(roundedPercentile(sorted([1, 2]), 50)).toBe(2);
    expect(roundedPercentile(sorted([7]), 99)).toBe(7);
  });
});
