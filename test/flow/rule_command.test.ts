/** `runledger rule` as a child process: what it sets is what is judged by, what it refuses changes nothing, and who did it is kept. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPool } from '../../receiver/store/pool.ts';
import { findingsOf, seedRun, verdictsOf } from '../helpers/alert_runs.ts';
import { CLI_PROGRAM } from '../helpers/cli_program.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

const NOON = '2026-11-20T12:00:00Z';
let database: TestDatabase;
let owner: Pool;
let folder: string;

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'runledger-cli-'));
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 2 });
  for (const tenant of [7, 8])
    await seedRun(owner, '2026-11-20T03:00:00Z', { tenant, stages: { crawl: { total: 100, errors: 25 } } });
});
afterAll(async () => {
  await owner.end();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

function rule(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, DATABASE_URL: database.databaseUrl, RUNLEDGER_DATA_DIR: folder };
  return new Promise((resolve) => {
    execFile(process.execPath, [...CLI_PROGRAM, 'rule', ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

it('sets a rule for all and other limits for a tenant, and takes them back', async () => {
  expect(await findingsOf(owner, 'crawl_error_rate', NOON)).toEqual([]);
  const set = await rule(
    'set',
    'crawl_error_rate',
    'warn_above=0.2',
    '--by',
    'Ada',
    '--note',
    'nights are bad',
    '--json',
  );
  expect(set).toMatchObject({ code: 0 });
  expect(JSON.parse(set.stdout)).toMatchObject({
    rule: 'crawl_error_rate',
    parameters: { warn_above: 0.2, page_above: 0.5 },
  });
  expect((await findingsOf(owner, 'crawl_error_rate', NOON)).map(({ tenantId }) => tenantId)).toEqual([7, 8]);

  await rule('set', 'crawl_error_rate', 'warn_above=null', '--tenant', '7');
  await rule('set', 'crawl_error_rate', 'page_above=0.24', '--tenant', '7');
  expect(await verdictsOf(owner, 'crawl_error_rate', NOON, 7)).toEqual(['bad page crawl']);
  expect(await verdictsOf(owner, 'crawl_error_rate', NOON, 8)).toEqual(['bad warn crawl']);
  await rule('set', 'crawl_error_rate', '--tenant', '7', '--pipeline', 'nightly', '--off');
  expect(await verdictsOf(owner, 'crawl_error_rate', NOON, 7)).toEqual([]);

  const listed = await rule('list');
  expect(listed.stdout).toMatch(/crawl_error_rate +CR-02 +warn +all +stage="crawl" warn_above=0\.2 /);
  expect(listed.stdout).toMatch(/tenant 7 +warn_above=null page_above=0\.24/);
  expect(listed.stdout).toMatch(/off +tenant 7, pipeline nightly/);

  expect((await rule('reset', 'crawl_error_rate', '--tenant', '7', '--pipeline', 'nightly')).code).toBe(0);
  expect(await verdictsOf(owner, 'crawl_error_rate', NOON, 7)).toEqual(['bad page crawl']);
  expect((await rule('reset', 'crawl_error_rate', '--tenant', '7', '--pipeline', 'nightly')).code).toBe(1);

  const { rows } = await owner.query(
    'select tenant_id, actor, act, object, reason from runledger.acts order by act_id',
  );
  expect(rows).toHaveLength(5);
  expect(rows[0]).toEqual({
    tenant_id: 0,
    actor: 'Ada',
    act: 'rule_set',
    object: 'rule crawl_error_rate',
    reason: 'nights are bad',
  });
  expect(rows.map(({ tenant_id, act }) => `${tenant_id} ${act}`).slice(1)).toEqual([
    '7 rule_set',
    '7 rule_set',
    '7 rule_set',
    '7 rule_reset',
  ]);
}, 120_000);

it('refuses what is wrong by its field, changes nothing and keeps no record of it', async () => {
  const before = (await owner.query('select * from runledger.alert_rules order by rule')).rows;
  const acts = (await owner.query('select count(*) as n from runledger.acts')).rows;
  for (const [args, message] of [
    [['set', 'run_stuck', 'silent=5'], /silent: run_stuck has no such parameter; silent_minutes, limit_minutes/],
    [['set', 'run_stuck', 'silent_minutes=soon', '--tenant', '7'], /silent_minutes: /],
    [['set', 'run_stuck'], /Say what to change/],
  ] as const) {
    const refused = await rule(...args);
    expect([args, refused.code, refused.stdout]).toEqual([args, 2, '']);
    expect(refused.stderr).toMatch(message);
  }
  expect((await owner.query('select * from runledger.alert_rules order by rule')).rows).toEqual(before);
  expect((await owner.query('select count(*) as n from runledger.acts')).rows).toEqual(acts);
}, 120_000);
