/** What holds for every rule: it answers on an empty ledger, its limits can be told apart by tenant and pipeline, and a wrong one hurts nobody. */
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RULE_KINDS } from '../../receiver/derive/alerts/rule_kinds.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { clearRuns, findingsOf, seedRun, verdictsOf } from '../helpers/alert_runs.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

let database: TestDatabase;
let owner: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 2 });
});
beforeEach(() => clearRuns(owner));
afterAll(async () => {
  await owner.end();
  await database.drop();
});

const NOW = '2026-11-20T12:00:00Z';

async function ruleNames(): Promise<{ rule: string; kind: string }[]> {
  return (await owner.query('select rule, kind from runledger.alert_rules order by rule')).rows;
}

describe('every installed rule', () => {
  it('has a kind that is known, and every kind has a rule', async () => {
    const kinds = (await ruleNames()).map(({ kind }) => kind);
    expect([...new Set(kinds)].sort()).toEqual(Object.keys(RULE_KINDS).sort());
  });

  it('finds nothing on an empty ledger', async () => {
    for (const { rule } of await ruleNames()) expect([rule, await verdictsOf(owner, rule, NOW)]).toEqual([rule, []]);
  });

  it('says nothing bad of one plain run, nor of one that still goes on', async () => {
    await seedRun(owner, '2026-11-20T03:00:00Z');
    await seedRun(owner, '2026-11-20T11:50:00Z', { status: 'running', derived: null, tenant: 8 });
    for (const { rule } of await ruleNames()) {
      const bad = (await findingsOf(owner, rule, NOW)).filter(({ verdict }) => verdict === 'bad');
      expect([rule, bad]).toEqual([rule, []]);
    }
  });
});
