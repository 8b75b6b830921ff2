/** Setting rules: what is wrong is refused by its field before it is written, and what is refused changes nothing. */
import type { Pool, PoolClient } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listRules, removeOverride, setOverride, setRule } from '../../receiver/derive/alerts/set_rule.ts';
import { createPool, inTransaction } from '../../receiver/store/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

let database: TestDatabase;
let operator: Pool;
let owner: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  operator = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_operator', maxConnections: 2 });
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 1 });
});
beforeEach(() => owner.query('delete from runledger.alert_overrides'));
afterAll(async () => {
  await operator.end();
  await owner.end();
  await database.drop();
});

const act = <T>(work: (client: PoolClient) => Promise<T>) => inTransaction(operator, work);
const readRule = async (rule: string) => (await act(listRules)).find((one) => one.rule === rule);

describe('setRule', () => {
  it('changes what is named and leaves the rest', async () => {
    const set = await act((client) => setRule(client, { rule: 'crawl_error_rate', parameters: { warn_above: 0.2 } }));
    expect(set).toMatchObject({
      enabled: true,
      severity: 'warn',
      parameters: { stage: 'crawl', warn_above: 0.2, page_above: 0.5, minimum_units: 20 },
    });
    await act((client) =>
      setRule(client, { rule: 'crawl_error_rate', enabled: false, severity: 'page', remindAfterMinutes: 60 }),
    );
    expect(await readRule('crawl_error_rate')).toMatchObject({
      enabled: false,
      severity: 'page',
      remindAfterMinutes: 60,
      parameters: { warn_above: 0.2 },
    });
    await act((client) => setRule(client, { rule: 'crawl_error_rate', enabled: true, remindAfterMinutes: null }));
    expect(await readRule('crawl_error_rate')).toMatchObject({
      enabled: true,
      severity: 'page',
      remindAfterMinutes: null,
    });
  });

  it.each([
    [{ rule: 'no_such' }, 'rule: there is no "no_such"; candidates_low, '],
    [{ rule: 'run_stuck', severity: 'loud' }, 'severity: "loud" is neither warn nor page'],
    [{ rule: 'run_stuck', remindAfterMinutes: 1 }, 'remind_after_minutes: '],
    [{ rule: 'run_stuck', parameters: { silent_minutes: '30' } }, 'silent_minutes: '],
    [{ rule: 'run_stuck', enabled: false, parameters: { quiet: 1 } }, 'quiet: run_stuck has no such parameter'],
  ])('refuses %j by its field and changes nothing', async (change, message) => {
    const before = await act(listRules);
    await expect(act((client) => setRule(client, change))).rejects.toMatchObject({
      name: 'RuleInputError',
      message: expect.stringMatching(new RegExp(`^${message}`)),
    });
    expect(await act(listRules)).toEqual(before);
  });

  it('says everything that is wrong at once', async () => {
    const change = { rule: 'cost_budget', severity: 'x', parameters: { per_day_usd: -1, per_run_usd: 'y' } };
    const error = await act((client) => setRule(client, change)).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      problems: [expect.stringMatching(/^severity/), expect.anything(), expect.anything()],
    });
  });

  it('mends a rule that SQL made wrong, and turns one off that is wrong', async () => {
    await owner.query(
      `update runledger.alert_rules set parameters = '{"silent_minutes": "x"}' where rule = 'run_stuck'`,
    );
    expect(await act((client) => setRule(client, { rule: 'run_stuck', enabled: false }))).toMatchObject({
      enabled: false,
    });
    const mended = await act((client) =>
      setRule(client, { rule: 'run_stuck', enabled: true, parameters: { silent_minutes: 20 } }),
    );
    expect(mended).toMatchObject({
      enabled: true,
      problem: null,
      parameters: { silent_minutes: 20, limit_minutes: null },
    });
  });
});

describe('setOverride', () => {
  const place = { rule: 'crawl_error_rate', tenantId: 7, pipeline: 'nightly' };

  it('sets, replaces and removes what is laid over a rule', async () => {
    await act((client) => setOverride(client, { ...place, enabled: false, parameters: { warn_above: 0.1 } }));
    const set = await act((client) => setOverride(client, { ...place, parameters: { page_above: 0.2 } }));
    expect(set.overrides).toEqual([
      { tenantId: 7, pipeline: 'nightly', enabled: false, parameters: { page_above: 0.2 }, problem: null },
    ]);
    await act((client) => setOverride(client, { ...place, enabled: null, parameters: {} }));
    expect((await readRule('crawl_error_rate'))?.overrides).toMatchObject([{ enabled: null, parameters: {} }]);
    expect(await act((client) => removeOverride(client, place))).toBe(true);
    expect(await act((client) => removeOverride(client, place))).toBe(false);
  });

  it.each([
    [{ ...place, rule: 'no_such', parameters: {} }, /^rule: there is no "no_such"/],
    [{ ...place, tenantId: -1, parameters: {} }, /^tenant_id: /],
    [{ ...place, tenantId: 2 ** 31, parameters: {} }, /^tenant_id: /],
    [{ ...place, pipeline: 'a\0', parameters: {} }, /^pipeline: /],
    [{ ...place, parameters: { minimum_units: 0 } }, /^minimum_units: /],
    [{ ...place, parameters: { stage: null } }, /^stage: /],
    [{ ...place, parameters: { toString: 1 } }, /^toString: /],
  ])('refuses %j by its field and changes nothing', async (change, message) => {
    await expect(act((client) => setOverride(client, change))).rejects.toMatchObject({
      name: 'RuleInputError',
      message: expect.stringMatching(message),
    });
    expect((await readRule('crawl_error_rate'))?.overrides).toEqual([]);
  });
});
