/** Random histories of alerts on the database, judged by two receivers at once, of which one dies now and then. */

import fc from 'fast-check';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { acknowledge, listAlerts, snooze } from '../../receiver/derive/alerts/acts.ts';
import type { JudgedRule } from '../../receiver/derive/alerts/judge.ts';
import { emptyResult, type FindingSource, sweepRule } from '../../receiver/derive/alerts/sweep_rule.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { type AlertStep, alertSteps, findingOf, ReaderOfMessages } from '../helpers/alert_steps.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

let database: TestDatabase;
let owner: Pool;
let other: Pool;
let tenants = 100;

const LINKS = { publicUrl: 'http://ledger.example', jaegerUiUrl: null };
const START = new Date('2026-03-01T02:00:00Z');
const later = (minutes: number, from = START) => new Date(from.getTime() + minutes * 60_000);
const subjectOf = (tenantId: number) => ({ tenantId, environment: '', pipeline: 'nightly', subject: '' });
const RULE: JudgedRule = {
  rule: 'run_failed',
  code: 'RF-07',
  kind: 'run_failed',
  title: 'Run failed',
  enabled: true,
  remindAfterMinutes: 120,
  overrides: [],
};

beforeAll(async () => {
  database = await createTestDatabase();
  const open = () => createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 3 });
  owner = open();
  other = open();
  // Sessions are ended here; the query that meets it says so.
  for (const pool of [owner, other]) pool.on('connect', (client) => client.on('error', () => undefined));
  await owner.query(
    "insert into runledger.alert_channels (tenant_id, channel, kind, url) values (0, 'everybody', 'webhook', 'https://hooks.example/x')",
  );
});
afterAll(async () => {
  await Promise.all([owner.end(), other.end()]);
  await database.drop();
});

interface Sent {
  alert_id: number;
  event: string;
  event_at: Date;
}

async function sent(tenantId: number): Promise<Sent[]> {
  const { rows } = await owner.query<Sent>(
    'select alert_id, event, event_at from runledger.alert_deliveries where tenant_id = $1 order by delivery_id',
    [tenantId],
  );
  return rows;
}

/** One step, done by two receivers at once, and sometimes by one that dies while it judges. */
async function look(step: Extract<AlertStep, { do: 'look' }>, tenantId: number, now: Date, dies: boolean) {
  const rule = { ...RULE, rule: `run_failed_${tenantId}` };
  const findings = findingOf(step, subjectOf(tenantId));
  const options = { now, links: LINKS };
  if (dies) {
    const dying: FindingSource = async (client) => {
      await client.query('select pg_terminate_backend(pg_backend_pid())');
      return findings;
    };
    await expect(sweepRule(other, rule, dying, options, emptyResult())).rejects.toThrow();
  }
  const results = [emptyResult(), emptyResult()] as const;
  await Promise.all([
    sweepRule(owner, rule, async () => findings, options, results[0]),
    // Its clock is a second ahead: what it said a second time would be another message.
    sweepRule(other, rule, async () => findings, { ...options, now: new Date(now.getTime() + 1_000) }, results[1]),
  ]);
  // One of them may have found the other at work; then nobody is sure to have seen what the other did not commit yet.
  expect(results[0].busy + results[1].busy).toBeLessThanOrEqual(1);
}

async function openAlert(tenantId: number) {
  const open = await listAlerts(owner, { tenantId, withResolved: false, limit: 10 });
  expect(open.length).toBeLessThanOrEqual(1);
  return open[0];
}

async function act(step: Exclude<AlertStep, { do: 'look' }>, tenantId: number, now: Date): Promise<void> {
  const open = await openAlert(tenantId);
  if (open === undefined || step.do === 'wait') return;
  const by = { by: 'somebody', note: null, now };
  if (step.do === 'ack') await acknowledge(owner, open.alert_id, by);
  else await snooze(owner, open.alert_id, later(step.minutes, now), by);
}

test('never two of the same message, never silence, always an end, one open alert at most', async () => {
  const kills = fc.array(fc.boolean(), { minLength: 40, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(alertSteps, kills, async (steps, dies) => {
      const tenantId = ++tenants;
      const reader = new ReaderOfMessages();
      const mustHear: string[] = [];
      let now = START;
      for (const [index, step] of [...steps, { do: 'look', said: 'good', value: 0 } as const].entries()) {
        if (step.do === 'wait') now = later(step.minutes, now);
        if (step.do !== 'look') {
          await act(step, tenantId, now);
          continue;
        }
        const expected = reader.mustHear(step.said);
        if (expected !== null) mustHear.push(expected);
        reader.looked(step.said);
        await look(step, tenantId, now, dies[index] === true && index % 4 === 0);
        expect((await openAlert(tenantId))?.severity ?? null).toBe(reader.knows);
        // A moment passes between two looks, so that what happens twice has two times.
        now = later(1, now);
      }
      const messages = await sent(tenantId);
      expect(messages.map(({ event }) => event).filter((event) => event !== 'reminder')).toEqual(mustHear);
      const causes = messages.map(({ alert_id, event, event_at }) => `${alert_id} ${event} ${event_at.toISOString()}`);
      expect(new Set(causes).size).toBe(causes.length);
      expect(await openAlert(tenantId)).toBeUndefined();
    }),
    { numRuns: 25 },
  );
});

test('two receivers that see the same rise at the same moment say it once', async () => {
  const seen = (said: 'warn' | 'page'): AlertStep & { do: 'look' } => ({ do: 'look', said, value: 0 });
  for (let turn = 0; turn < 40; turn++) {
    const tenantId = ++tenants;
    await look(seen('warn'), tenantId, START, false);
    await look(seen('page'), tenantId, later(1), false);
    expect((await sent(tenantId)).map(({ event }) => event)).toEqual(['fired', 'escalated']);
  }
});
