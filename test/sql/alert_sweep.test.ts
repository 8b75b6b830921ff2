/** Sweeps on the database: told once whatever receivers, people and kills do, to the right channels, and one bad rule harms no other. */

import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { acknowledge, listAlerts } from '../../receiver/derive/alerts/acts.ts';
import type { Finding } from '../../receiver/derive/alerts/finding.ts';
import { type JudgedRule, judge } from '../../receiver/derive/alerts/judge.ts';
import { readOpenAlerts, writeChanges } from '../../receiver/derive/alerts/open_alerts.ts';
import { sweepAlerts } from '../../receiver/derive/alerts/sweep.ts';
import { emptyResult, type FindingSource, sweepRule } from '../../receiver/derive/alerts/sweep_rule.ts';
import { createPool, inTransaction } from '../../receiver/store/pool.ts';

import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

let database: TestDatabase;
let owner: Pool;
let other: Pool;

const LINKS = { publicUrl: 'http://ledger.example', jaegerUiUrl: 'http://jaeger.example/' };
const START = new Date('2026-03-01T02:00:00Z');
const later = (minutes: number, from = START) => new Date(from.getTime() + minutes * 60_000);
const RULE: JudgedRule = {
  rule: 'run_failed',
  code: 'RF-07',
  kind: 'run_failed',
  title: 'Run failed',
  enabled: true,
  remindAfterMinutes: 120,
  overrides: [],
};
const subjectOf = (tenantId: number) => ({ tenantId, environment: '', pipeline: 'nightly', subject: '' });
const bad = (tenantId: number, severity: 'warn' | 'page' = 'page', value = 1): Finding => ({
  ...subjectOf(tenantId),
  verdict: 'bad',
  severity,
  runId: null,
  numbers: { value },
});

beforeAll(async () => {
  database = await createTestDatabase();
  const open = () => createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 3 });
  owner = open();
  other = open();
  // One of these tests ends sessions; the query that meets it says so.
  for (const pool of [owner, other]) pool.on('connect', (client) => client.on('error', () => undefined));
});
beforeEach(async () => {
  await owner.query(
    `delete from runledger.alert_deliveries; delete from runledger.alerts; delete from runledger.alert_channels;
     delete from runledger.alert_overrides; delete from runledger.acts; delete from public.enrichment_runs;
     update runledger.alert_rules set enabled = true; delete from runledger.tenants where tenant_id > 0;
     insert into runledger.tenants (tenant_id, name) values (1, 'acme'), (2, 'globex')`,
  );
});
afterAll(async () => {
  await Promise.all([owner.end(), other.end()]);
  await database.drop();
});

async function addChannel(tenantId: number, channel: string, minSeverity = 'warn', enabled = true): Promise<void> {
  await owner.query(
    `insert into runledger.alert_channels (tenant_id, channel, kind, url, min_severity, enabled)
     values ($1, $2, 'webhook', 'https://hooks.example/x', $3, $4)`,
    [tenantId, channel, minSeverity, enabled],
  );
}

async function sweep(findings: Finding[], minutes: number, rule: JudgedRule = RULE, pool: Pool = owner) {
  const result = emptyResult();
  const source: FindingSource = async () => findings;
  await sweepRule(pool, rule, source, { now: later(minutes), links: LINKS }, result);
  return result;
}

interface Sent {
  alert_id: number;
  channel_tenant_id: number;
  channel: string;
  event: string;
  event_at: Date;
  message: { text: string; title: string; links: Record<string, string | null>; severity: string };
}

async function sent(tenantId?: number): Promise<Sent[]> {
  const { rows } = await owner.query<Sent>(
    `select alert_id, channel_tenant_id, channel, event, event_at, message from runledger.alert_deliveries
     where $1::int is null or tenant_id = $1 order by delivery_id`,
    [tenantId ?? null],
  );
  return rows;
}

describe('channels', () => {
  test("a tenant's own channel hears of its tenant alone, those of the installation of all, each from its severity on", async () => {
    await addChannel(0, 'all');
    await addChannel(0, 'pages', 'page');
    await addChannel(0, 'off', 'warn', false);
    await addChannel(1, 'acme');
    await addChannel(2, 'globex');
    await sweep([bad(1, 'warn'), bad(0, 'warn')], 0);
    const heard = async () => (await sent()).map((one) => `${one.event} ${one.channel}`).sort();
    expect(await heard()).toEqual(['fired acme', 'fired all', 'fired all']);
    await sweep([bad(1, 'page')], 5);
    expect((await heard()).filter((one) => one.startsWith('escalated'))).toEqual([
      'escalated acme',
      'escalated all',
      'escalated pages',
    ]);
    // The page-only channel heard that it pages, so it hears the end; of the warning it never heard, so it hears nothing.
    await sweep([], 10);
    expect((await heard()).filter((one) => one.startsWith('resolved'))).toEqual([
      'resolved acme',
      'resolved all',
      'resolved all',
      'resolved pages',
    ]);
  });

  test('without channels the state is kept all the same', async () => {
    expect(await sweep([bad(1)], 0)).toMatchObject({ fired: 1, messages: 0 });
    expect(await listAlerts(owner, { tenantId: 1, withResolved: false, limit: 5 })).toHaveLength(1);
  });
});

describe('what ends an alert', () => {
  const ended = async () =>
    (await owner.query('select resolved_because, resolved_run_id from runledger.alerts where tenant_id = 1')).rows;

  test('a disabled tenant, with a message that says so', async () => {
    await addChannel(0, 'all');
    await sweep([bad(1)], 0);
    await owner.query("update runledger.tenants set status = 'disabled' where tenant_id = 1");
    await sweep([bad(1)], 5);
    expect(await ended()).toMatchObject([{ resolved_because: 'tenant_disabled' }]);
    expect((await sent()).at(-1)?.message.text).toContain('The tenant was disabled');
  });

  test('a rule that is switched off for all, or for this tenant and pipeline; then it is not even judged', async () => {
    await sweep([bad(1), bad(2)], 0);
    const forOne = { ...RULE, overrides: [{ tenantId: 1, pipeline: 'nightly', enabled: false }] };
    expect(await sweep([bad(1), bad(2)], 5, forOne)).toMatchObject({ resolved: 1 });
    expect(await ended()).toMatchObject([{ resolved_because: 'rule_disabled' }]);
    const result = emptyResult();
    const unasked: FindingSource = () => Promise.reject(new Error('it was asked'));
    await sweepRule(owner, { ...RULE, enabled: false }, unasked, { now: later(10), links: LINKS }, result);
    expect(result.resolved).toBe(1);
  });

  test('the run that shows it is kept and named', async () => {
    await addChannel(0, 'all');
    await owner.query(
      `insert into public.enrichment_runs (tenant_id, run_id, run_key, pipeline, status, started_at, ended_at, trace_id)
       values (1, 11, 'bad-night', 'nightly', 'failed', '2026-03-01T01:00Z', '2026-03-01T01:30Z', repeat('ab', 16)),
              (1, 12, 'good-night', 'nightly', 'succeeded', '2026-03-02T01:00Z', '2026-03-02T01:30Z', 'no trace id');
       update public.enrichment_runs set derived_status = status, last_received_at = ended_at`,
    );
    await sweep([{ ...bad(1), runId: 11 }], 0);
    await sweep([], 24 * 60);
    expect(await ended()).toEqual([{ resolved_because: 'good', resolved_run_id: 12 }]);
    const [fired, resolved] = await sent();
    expect(fired?.message.links).toEqual({
      runbook: 'http://ledger.example/runbooks/RF-07',
      run: 'http://ledger.example/ui/runs/1/11',
      jaeger: `http://jaeger.example/trace/${'ab'.repeat(16)}`,
      langsmith: null,
    });
    expect(fired?.message.text).toContain('Tenant acme (1), pipeline nightly, run bad-night');
    expect(resolved?.message.links).toMatchObject({ run: 'http://ledger.example/ui/runs/1/12', jaeger: null });
    expect(resolved?.message.text).toContain('as run good-night shows');
  });
});

test('what somebody does between reading and writing is not overwritten, and nothing is said of it', async () => {
  await sweep([bad(1)], 0);
  const [open] = await listAlerts(owner, { tenantId: 1, withResolved: false, limit: 1 });
  await inTransaction(owner, async (client) => {
    const read = await readOpenAlerts(client, RULE.rule);
    await acknowledge(other, open?.alert_id ?? 0, { by: 'ann', note: null, now: later(1) });
    const changes = judge(RULE, [bad(1, 'page', 2)], read, new Set(), later(200));
    expect(changes).toMatchObject([{ event: 'reminder' }]);
    const writes = changes.map((change) => ({ ...change, resolvedRunId: null }));
    expect(await writeChanges(client, RULE, writes)).toEqual([]);
  });
  expect(await listAlerts(owner, { tenantId: 1, withResolved: false, limit: 1 })).toMatchObject([
    { state: 'acked', numbers: { value: 1 } },
  ]);
});

test('a snooze to a microsecond that JavaScript does not know is kept, and ends', async () => {
  await addChannel(0, 'all');
  await sweep([bad(1, 'warn')], 0);
  await owner.query("update runledger.alerts set state = 'snoozed', snoozed_until = '2026-03-01T06:00:00.123456Z'");
  await sweep([bad(1, 'warn', 2)], 5);
  const snoozed = await owner.query('select state, snoozed_until::text, numbers from runledger.alerts');
  expect(snoozed.rows).toEqual([
    { state: 'snoozed', snoozed_until: '2026-03-01 06:00:00.123456+00', numbers: { value: 2 } },
  ]);
  expect(await sweep([bad(1, 'warn', 2)], 241)).toMatchObject({ reminded: 1 });
});

test('a rule whose query fails, or whose parameters are wrong, leaves its alerts and all other rules alone', async () => {
  await owner.query(
    `insert into public.enrichment_runs (tenant_id, run_id, pipeline, status, started_at, ended_at, derived_at, last_received_at)
     values (1, 11, 'nightly', 'failed', now() - interval '2 hours', now() - interval '1 hour', now(), now());
     update runledger.alert_rules set parameters = '{"stage": 7}' where rule = 'crawl_error_rate'`,
  );
  const warned: object[] = [];
  const log = { warn: (fields: object) => void warned.push(fields) };
  const result = await sweepAlerts(owner, { links: LINKS, log });
  expect(result).toMatchObject({ failed: 1, busy: 0 });
  expect(warned).toMatchObject([{ rule: 'crawl_error_rate' }]);
  const open = await listAlerts(owner, { tenantId: null, withResolved: false, limit: 50 });
  expect(open.map(({ rule }) => rule)).toEqual(expect.arrayContaining(['run_failed']));
  await owner.query(
    `update runledger.alert_rules set parameters = '{"stage": "crawl"}' where rule = 'crawl_error_rate'`,
  );
});

test('who acknowledged and why is kept in the record of what people did', async () => {
  await sweep([bad(1)], 0);
  const [open] = await listAlerts(owner, { tenantId: 1, withResolved: false, limit: 1 });
  const act = { by: 'ann', note: 'vendor is on it', now: later(3) };
  expect(await acknowledge(owner, open?.alert_id ?? 0, act)).toMatchObject({ tenant_id: 1, code: 'RF-07' });
  expect(await acknowledge(owner, 999_999, act)).toBeNull();
  expect((await owner.query('select tenant_id, actor, act, object, reason from runledger.acts')).rows).toEqual([
    { tenant_id: 1, actor: 'ann', act: 'alert_ack', object: `alert ${open?.alert_id}`, reason: 'vendor is on it' },
  ]);
  await sweep([], 5);
  expect(await acknowledge(owner, open?.alert_id ?? 0, act)).toBeNull();
});
