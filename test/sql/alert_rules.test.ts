/** What holds for every rule: it answers on an empty ledger, its limits can be told apart by tenant and pipeline, and a wrong one hurts nobody. */
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RuleProblemError } from '../../receiver/derive/alerts/evaluate.ts';
import { loadRules } from '../../receiver/derive/alerts/load_rules.ts';
import { parseOverride, parseParameters, RULE_KINDS } from '../../receiver/derive/alerts/rule_kinds.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { clearRuns, findingsOf, override, seedRun, verdictsOf } from '../helpers/alert_runs.ts';
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

const NOON = '2026-11-20T12:00:00Z';
const DAWN = '2026-11-20T03:00:00Z';

async function ruleNames(): Promise<{ rule: string; kind: string }[]> {
  return (await owner.query('select rule, kind from runledger.alert_rules order by rule')).rows;
}

describe('every installed rule', () => {
  it('has a kind that is known, and every kind has a rule', async () => {
    const kinds = (await ruleNames()).map(({ kind }) => kind);
    expect([...new Set(kinds)].sort()).toEqual(Object.keys(RULE_KINDS).sort());
  });

  it('finds nothing on an empty ledger', async () => {
    for (const { rule } of await ruleNames()) expect([rule, await verdictsOf(owner, rule, NOON)]).toEqual([rule, []]);
  });

  it('says nothing bad of one plain run, nor of one that still goes on', async () => {
    await seedRun(owner, '2026-11-20T03:00:00Z');
    await seedRun(owner, '2026-11-20T11:50:00Z', { status: 'running', derived: null, tenant: 8 });
    for (const { rule } of await ruleNames()) {
      const bad = (await findingsOf(owner, rule, NOON)).filter(({ verdict }) => verdict === 'bad');
      expect([rule, bad]).toEqual([rule, []]);
    }
  });
});

describe('limits', () => {
  const failing = { status: 'failed' };
  const places = async () =>
    (await findingsOf(owner, 'run_failed', NOON)).map(({ tenantId, pipeline }) => `${tenantId} ${pipeline}`);

  it('of tenant and pipeline win over those of the tenant, these over those of all, there the pipeline over none', async () => {
    for (const tenant of [7, 8, 9])
      for (const pipeline of ['a', 'b']) await seedRun(owner, DAWN, { ...failing, tenant, pipeline });
    await override(owner, 'run_failed', {}, { tenant: 0, enabled: false });
    expect(await places()).toEqual([]);
    await override(owner, 'run_failed', {}, { tenant: 0, pipeline: 'b', enabled: true });
    expect(await places()).toEqual(['7 b', '8 b', '9 b']);
    await override(owner, 'run_failed', {}, { tenant: 7, enabled: false });
    await override(owner, 'run_failed', {}, { tenant: 8, enabled: true });
    expect(await places()).toEqual(['8 a', '8 b', '9 b']);
    await override(owner, 'run_failed', {}, { tenant: 7, pipeline: 'a', enabled: true });
    await override(owner, 'run_failed', {}, { tenant: 8, pipeline: 'a', enabled: false });
    expect(await places()).toEqual(['7 a', '8 b', '9 b']);
  });

  it('are laid over each other key by key', async () => {
    const crawl = { stages: { crawl: { total: 10, errors: 4 } } };
    for (const tenant of [7, 8]) await seedRun(owner, DAWN, { ...crawl, tenant });
    await override(owner, 'crawl_error_rate', { minimum_units: 10 }, { tenant: 0 });
    expect(await verdictsOf(owner, 'crawl_error_rate', NOON, 7)).toEqual(['bad warn crawl']);
    await override(owner, 'crawl_error_rate', { warn_above: 0.4 }, { tenant: 7 });
    expect(await verdictsOf(owner, 'crawl_error_rate', NOON, 7)).toEqual([]);
    await override(owner, 'crawl_error_rate', { page_above: 0.39 }, { tenant: 7, pipeline: 'nightly' });
    expect(await verdictsOf(owner, 'crawl_error_rate', NOON, 7)).toEqual(['bad page crawl']);
    await override(
      owner,
      'crawl_error_rate',
      { page_above: null, warn_above: null },
      { tenant: 7, pipeline: 'nightly' },
    );
    expect(await verdictsOf(owner, 'crawl_error_rate', NOON, 7)).toEqual([]);
    expect(await verdictsOf(owner, 'crawl_error_rate', NOON, 8)).toEqual(['bad warn crawl']);
  });
});

describe('a tenant', () => {
  it('that is disabled in mid-run gives no findings of any rule', async () => {
    await owner.query(
      "insert into runledger.schedules (tenant_id, pipeline, environment, cron) values (7, 'nightly', 'prod', '0 3 * * *')",
    );
    await owner.query("insert into runledger.expected_runs values (7, 'nightly', 'prod', $1, $1, null)", [NOON]);
    await owner.query("insert into runledger.refusals values (7, '2026-11-20', 'future', 1)");
    await seedRun(owner, DAWN, {
      status: 'failed',
      stages: { crawl: { errors: 100 }, mv_refresh: { status: 'error' }, export_odoo: { errors: 1 } },
      vendors: { openai: { hits: 1 }, serper: { quota: true } },
      metrics: { candidates_selected: 1 },
      reviews: { fail: 20 },
      sent: { items: 2, stored: 1 },
    });
    await seedRun(owner, '2026-11-20T11:00:00Z', { status: 'running', derived: null });
    const fired = async () => {
      const bad: string[] = [];
      for (const { rule } of await ruleNames())
        for (const { verdict } of await findingsOf(owner, rule, '2026-11-20T12:01:00Z'))
          if (verdict === 'bad') bad.push(rule);
      return bad;
    };
    expect([...new Set(await fired())]).toEqual([
      'candidates_low',
      'crawl_error_rate',
      'export_odoo_errors',
      'ingest_health',
      'mv_refresh_failed',
      'openai_limits',
      'qa_pass_rate',
      'run_failed',
      'run_missed',
      'run_stuck',
      'vendor_limits',
    ]);
    await owner.query("update runledger.tenants set status = 'disabled' where tenant_id = 7");
    expect(await fired()).toEqual([]);
  });
});

describe('a wrong parameter', () => {
  it.each([
    ['stage_error_rate', {}, ['stage: ']],
    ['stage_error_rate', { stage: 'crawl', warn_above: 30 }, ['warn_above: ']],
    [
      'stage_error_rate',
      { stage: 'crawl', warnabove: 0.3, more: 1 },
      ['warnabove: stage_error_rate has no such', 'more: '],
    ],
    ['stage_failed', { stage: 'x', absent: 'sometimes' }, ['absent: ']],
    ['stage_failed', { stage: '', window_minutes: -1 }, ['stage: ', 'window_minutes: ']],
    ['run_failed', { limit: 1 }, ['limit: run_failed has no such parameter; it has none']],
    ['vendor_limits', { only: 'openai' }, ['only: ']],
    ['vendor_limits', { except: [1] }, ['except.0: ']],
    ['metric_below', { metric: 'x', minimum: '50' }, ['minimum: ']],
    ['cost_budget', { per_day_usd: 0 }, ['per_day_usd: ']],
    ['latency_regression', { runs: 2.5 }, ['runs: ']],
    ['ingest', [], ['parameters: ']],
    ['ingest', null, ['parameters: ']],
    ['no_such_kind', {}, ['kind: there is no "no_such_kind"']],
  ])('of %s %j is refused by its field', (kind, parameters, fields) => {
    const parsed = parseParameters(kind, parameters);
    const problems = parsed.ok ? [] : parsed.problems;
    expect(problems.map((problem, index) => problem.startsWith(fields[index] ?? '?'))).toEqual(fields.map(() => true));
  });

  it('is none where only a part is laid over, and nothing is laid over that was not said', () => {
    expect(parseOverride('stage_error_rate', { warn_above: 0.4 })).toEqual({ ok: true, value: { warn_above: 0.4 } });
    expect(parseOverride('stage_error_rate', {})).toEqual({ ok: true, value: {} });
    expect(parseOverride('stage_error_rate', { warn_above: '0.4' })).toMatchObject({ ok: false });
    expect(parseParameters('run_too_short', {})).toEqual({
      ok: true,
      value: { share_of_median: 0.25, runs: 10, minimum_runs: 5 },
    });
  });

  it('that came by SQL leaves the rule out, which is told, and every other rule as it was', async () => {
    await seedRun(owner, DAWN, { status: 'failed' });
    await owner.query(`update runledger.alert_rules set parameters = '{"limit": 5}' where rule = 'run_stuck'`);
    await expect(findingsOf(owner, 'run_stuck', NOON)).rejects.toThrow(RuleProblemError);
    await expect(findingsOf(owner, 'run_stuck', NOON)).rejects.toThrow(/run_stuck is not judged: limit: /);
    expect(await verdictsOf(owner, 'run_failed', NOON)).toEqual(['bad page']);
    expect(await findingsOf(owner, 'ingest_health', NOON)).toMatchObject([
      {
        tenantId: 0,
        pipeline: '',
        subject: 'rule:run_stuck',
        severity: 'warn',
        numbers: { problem: expect.stringMatching(/^limit: /) },
      },
    ]);
    await owner.query(`update runledger.alert_rules set parameters = '{}' where rule = 'run_stuck'`);
    expect(await verdictsOf(owner, 'ingest_health', NOON)).toEqual([]);
  });

  it('in an override leaves that override out, is told to its tenant, and disturbs no other', async () => {
    for (const tenant of [7, 8]) await seedRun(owner, DAWN, { tenant, stages: { crawl: { total: 100, errors: 35 } } });
    await override(owner, 'crawl_error_rate', { warn_above: 0.4 }, { tenant: 8 });
    await override(owner, 'crawl_error_rate', { warn_above: { '>': 0.4 } }, { tenant: 7, pipeline: 'nightly' });
    await override(owner, 'gone_rule', {}, { tenant: 8 });
    expect(await verdictsOf(owner, 'crawl_error_rate', NOON, 8)).toEqual([]);
    expect(await verdictsOf(owner, 'crawl_error_rate', NOON, 7)).toEqual(['bad warn crawl']);
    const found = await findingsOf(owner, 'ingest_health', NOON);
    expect(found.map(({ tenantId, pipeline, subject }) => [tenantId, pipeline, subject])).toEqual([
      [7, 'nightly', 'rule:crawl_error_rate'],
      [8, '', 'rule:gone_rule'],
    ]);
  });

  it('of any JSON never breaks loading', async () => {
    for (const parameters of [[], 'x', 1, null, { warn_above: [null] }, { '': 1 }, { stage: 'a'.repeat(100_000) }]) {
      const json = JSON.stringify(parameters);
      await owner.query('delete from runledger.alert_overrides');
      const isObject = typeof parameters === 'object' && parameters !== null && !Array.isArray(parameters);
      const insert = owner.query('insert into runledger.alert_overrides values (7, $1, $2, null, $3)', [
        'crawl_error_rate',
        '',
        json,
      ]);
      if (!isObject) await expect(insert).rejects.toThrow(/alert_overrides_parameters_object/);
      else {
        await insert;
        const client = await owner.connect();
        const { rules } = await loadRules(client).finally(() => client.release());
        expect(rules.flatMap(({ overrides }) => overrides).map(({ problem }) => problem === null)).toEqual([false]);
      }
    }
  });
});
