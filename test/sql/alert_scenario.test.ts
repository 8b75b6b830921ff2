/** One bad night in which every rule of the table goes wrong: each fires once and resolves once, and nothing else does. */

import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AlertMessage } from '../../receiver/derive/alerts/finding.ts';
import { simulateScenario, tellTo } from '../../receiver/derive/alerts/scenario.ts';
import { simulate } from '../../receiver/derive/alerts/simulate.ts';
import { sweepAlerts } from '../../receiver/derive/alerts/sweep.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { readPage, renderPage, writePage } from '../helpers/alert_messages_page.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

const LINKS = { publicUrl: 'https://ledger.example.com', jaegerUiUrl: 'https://jaeger.example.com' };
const BAD_DAY = '2026-03-30';

/** Rule, tenant, pipeline, subject: what goes wrong, and its severity. */
const TROUBLE: Record<string, 'warn' | 'page'> = {
  'mv_refresh_failed 1 nightly mv_refresh': 'page',
  'crawl_error_rate 1 nightly crawl': 'page',
  'crawl_error_rate 2 nightly crawl': 'warn',
  'vendor_limits 1 nightly lusha': 'page',
  'vendor_limits 2 nightly tavily': 'warn',
  'openai_limits 1 nightly openai': 'warn',
  'candidates_low 1 nightly candidates_selected': 'warn',
  'export_odoo_errors 1 nightly export_odoo': 'warn',
  'run_failed 1 nightly ': 'page',
  'run_missed 2 digest ': 'page',
  'run_stuck 1 import silent': 'page',
  'run_stuck 2 import over_limit': 'page',
  'run_too_short 1 digest ': 'warn',
  'cost_budget 1 nightly run': 'warn',
  'cost_budget 1  month': 'warn',
  'cost_budget 2  day': 'warn',
  'latency_regression 2 nightly crawl': 'warn',
  'qa_pass_rate 1 nightly ': 'warn',
  'ingest_health 1  refused:no_time': 'warn',
  'ingest_health 0  conflicts': 'warn',
  'ingest_health 1 nightly incomplete': 'warn',
  'ingest_health 1  delivery:ops': 'warn',
  'ingest_health 0  audit': 'warn',
  'ingest_health 0  audit_missing': 'warn',
  'service_levels 1  run_success_rate': 'warn',
};

let database: TestDatabase;
let owner: Pool;
let messages: AlertMessage[];

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 2 });
  const simulation = await simulateScenario({ databaseUrl: database.databaseUrl, links: LINKS });
  expect(simulation).toMatchObject({ open: 0, problems: [] });
  messages = simulation.messages;
}, 240_000);
afterAll(async () => {
  await owner.end();
  await database.drop();
});

const nameOf = ({ rule, tenant_id, pipeline, subject }: AlertMessage) => `${rule} ${tenant_id} ${pipeline} ${subject}`;
const named = (event: string) => messages.filter((message) => message.event === event).map(nameOf);

test('every trouble fires once and resolves once, in this order, and nothing else is said', () => {
  const expected = Object.keys(TROUBLE).sort();
  expect(named('fired').sort()).toEqual(expected);
  expect(named('resolved').sort()).toEqual(expected);
  expect(messages).toHaveLength(expected.length * 2);
  for (const name of expected) {
    const [first, second] = messages.filter((message) => nameOf(message) === name);
    expect([first?.event, second?.event], name).toEqual(['fired', 'resolved']);
    expect(first?.alert_id).toBe(second?.alert_id);
    expect(first?.severity, name).toBe(TROUBLE[name]);
    expect(second?.event_at.localeCompare(first?.event_at ?? ''), name).toBe(1);
  }
});

test('all rules that are installed and all runbook codes are among them', async () => {
  const { rows } = await owner.query<{ rule: string; code: string }>('select rule, code from runledger.alert_rules');
  expect(new Set(messages.map(({ rule }) => rule))).toEqual(new Set(rows.map(({ rule }) => rule)));
  expect(new Set(messages.map(({ code }) => code)).size).toBe(14);
  expect(rows).toHaveLength(15);
});

test('it fires on the bad day and never before', () => {
  for (const message of messages.filter(({ event }) => event === 'fired'))
    expect(message.event_at.slice(0, 10), nameOf(message)).toBe(BAD_DAY);
});

describe('what a message carries', () => {
  test('tenant, numbers and runbook always; run, trace and LangSmith where a run shows it', () => {
    for (const message of messages) {
      expect(message.links.runbook).toBe(`https://ledger.example.com/runbooks/${message.code}`);
      expect(Object.keys(message.numbers).length).toBeGreaterThan(0);
      if (message.tenant_id > 0) expect(message.text).toMatch(/^Tenant (acme \(1\)|globex \(2\))/);
      if (message.run === null) continue;
      expect(message.links.run).toBe(`https://ledger.example.com/ui/runs/${message.tenant_id}/${message.run.run_id}`);
      expect(message.links.jaeger).toMatch(/^https:\/\/jaeger\.example\.com\/trace\/[0-9a-f]{32}$/);
      // A run of which only the beginning was heard had no time to name its trace in LangSmith.
      if (message.run.ended_at !== null) expect(message.links.langsmith).toMatch(/^https:\/\/smith\.langchain\.com\//);
    }
    expect(messages.filter(({ run }) => run !== null).length).toBeGreaterThan(20);
  });

  test('words for its numbers: no name of a field, no raw JSON, and the whole in one line', () => {
    for (const { title, text } of messages) {
      expect(`${title} ${text}`).not.toMatch(/null|undefined|NaN|\[object|units_in_error|_minutes|value /);
      expect(title.length).toBeLessThanOrEqual(150);
      expect(title).not.toContain('\n');
    }
  });
});

test('docs/alert-messages.md shows these messages; UPDATE_DOCS=1 writes it anew', () => {
  const page = renderPage(messages);
  if (process.env.UPDATE_DOCS === '1') writePage(page);
  expect(readPage()).toBe(page);
});

test('sweeps of a live ledger say what the simulation says', async () => {
  await tellTo(database.databaseUrl);
  await owner.query(
    "insert into runledger.alert_channels (tenant_id, channel, kind, url) values (0, 'all', 'webhook', 'https://hooks.example.com')",
  );
  const moments = [...new Set(messages.map(({ event_at }) => event_at))].sort();
  const log = { warn: () => expect.unreachable('a rule could not be judged') };
  for (const at of moments) await sweepAlerts(owner, { now: new Date(at), links: LINKS, log });
  const { rows } = await owner.query<{ message: AlertMessage }>(
    "select message from runledger.alert_deliveries where channel = 'all' order by event_at, delivery_id",
  );
  const lineOf = (message: AlertMessage) => `${message.event_at} ${message.event} ${nameOf(message)}`;
  expect(rows.map(({ message }) => lineOf(message)).sort()).toEqual(messages.map(lineOf).sort());
  expect((await owner.query("select from runledger.alerts where state <> 'resolved'")).rowCount).toBe(0);
});

test('one rule and one tenant can be tried alone, and nothing is written', async () => {
  const before = await owner.query('select count(*) from runledger.alerts');
  const options = {
    from: new Date('2026-03-29T00:00Z'),
    to: new Date('2026-04-01T00:00Z'),
    stepMinutes: 60,
    links: LINKS,
  };
  const globex = await simulate(owner, { ...options, tenantId: 2, rule: 'VQ-03' });
  expect(globex.messages.map(nameOf)).toEqual(['vendor_limits 2 nightly tavily', 'vendor_limits 2 nightly tavily']);
  await expect(simulate(owner, { ...options, tenantId: null, rule: 'nonsense' })).rejects.toThrow('There is no rule');
  expect((await owner.query('select count(*) from runledger.alerts')).rows).toEqual(before.rows);
});
