/** A channel that comes while alerts fire hears of them once, and of nothing that somebody looks after; those that knew hear nothing again. */

import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { acknowledge, listAlerts, snooze } from '../../receiver/derive/alerts/acts.ts';
import type { Finding } from '../../receiver/derive/alerts/finding.ts';
import type { JudgedRule } from '../../receiver/derive/alerts/judge.ts';
import { emptyResult, sweepRule } from '../../receiver/derive/alerts/sweep_rule.ts';
import { enableChannel, removeChannel, setChannel } from '../../receiver/derive/delivery/channels.ts';
import { endOrphans } from '../../receiver/derive/delivery/outbox.ts';
import { sendDue } from '../../receiver/derive/delivery/send_due.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

let database: TestDatabase;
let owner: Pool;

const START = new Date('2026-03-01T02:00:00Z');
const later = (minutes: number) => new Date(START.getTime() + minutes * 60_000);
const RULE: JudgedRule = {
  rule: 'run_failed',
  code: 'RF-07',
  kind: 'run_failed',
  title: 'Run failed',
  enabled: true,
  remindAfterMinutes: null,
  overrides: [],
};
const bad = (tenantId: number, severity: 'warn' | 'page' = 'page', pipeline = 'nightly'): Finding => ({
  ...{ tenantId, environment: '', pipeline, subject: '' },
  ...{ verdict: 'bad', severity, runId: null, numbers: { value: 1 } },
});

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 3 });
});
beforeEach(async () => {
  await owner.query(
    `delete from runledger.alert_deliveries; delete from runledger.alerts; delete from runledger.alert_channels; delete from runledger.acts;
     delete from runledger.tenants where tenant_id > 0; insert into runledger.tenants (tenant_id, name) values (1, 'acme'), (2, 'globex')`,
  );
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

const addChannel = (channel: string, tenantId = 0, minSeverity: 'warn' | 'page' = 'warn') =>
  setChannel(owner, { tenantId, channel, kind: 'webhook', url: 'https://hooks.example/x', minSeverity });

async function sweep(findings: Finding[], minutes: number) {
  const links = { publicUrl: 'http://ledger.example', jaegerUiUrl: null };
  const result = emptyResult();
  await sweepRule(owner, RULE, async () => findings, { now: later(minutes), links }, result);
  return result;
}

async function heard(channel: string): Promise<string[]> {
  const { rows } = await owner.query(
    'select tenant_id, event from runledger.alert_deliveries where channel = $1 order by delivery_id',
    [channel],
  );
  return rows.map(({ tenant_id, event }) => `${event} ${tenant_id}`);
}

test('it hears once that it is still there, and then that it is over; who knew hears nothing more', async () => {
  await addChannel('first');
  await sweep([bad(1), bad(2)], 0);
  await addChannel('late');
  await addChannel('of-globex', 2);
  expect(await sweep([bad(1), bad(2)], 5)).toMatchObject({ fired: 0, reminded: 0, messages: 3 });
  for (const minutes of [10, 15]) expect(await sweep([bad(1), bad(2)], minutes)).toMatchObject({ messages: 0 });
  expect(await heard('late')).toEqual(['reminder 1', 'reminder 2']);
  expect(await heard('of-globex')).toEqual(['reminder 2']);
  expect(await heard('first')).toEqual(['fired 1', 'fired 2']);
  const { rows } = await owner.query("select message from runledger.alert_deliveries where channel = 'late' limit 1");
  expect(rows[0].message).toMatchObject({
    event: 'reminder',
    event_at: later(5).toISOString(),
    fired_at: START.toISOString(),
  });
  const [open] = await listAlerts(owner, { tenantId: 1, withResolved: false, limit: 1 });
  expect(open).toMatchObject({ state: 'firing' });
  await sweep([], 20);
  expect(await heard('late')).toEqual(['reminder 1', 'reminder 2', 'resolved 1', 'resolved 2']);
});

test('one that takes pages alone hears of no warning, and of it when it takes warnings too', async () => {
  await sweep([bad(1, 'warn'), bad(2)], 0);
  await addChannel('pages', 0, 'page');
  await sweep([bad(1, 'warn'), bad(2)], 5);
  expect(await heard('pages')).toEqual(['reminder 2']);
  await addChannel('pages', 0, 'warn');
  await sweep([bad(1, 'warn'), bad(2)], 10);
  expect(await heard('pages')).toEqual(['reminder 2', 'reminder 1']);
});

test('of what somebody looks after or put off it hears nothing', async () => {
  await sweep([bad(1), bad(2)], 0);
  const [one, two] = await listAlerts(owner, { tenantId: null, withResolved: false, limit: 5 });
  await acknowledge(owner, one?.alert_id ?? 0, { by: 'ann', note: null, now: later(1) });
  await snooze(owner, two?.alert_id ?? 0, later(60), { by: 'ann', note: null, now: later(1) });
  await addChannel('late');
  expect(await sweep([bad(1), bad(2)], 5)).toMatchObject({ messages: 0 });
  expect(await heard('late')).toEqual([]);
});

test('one that was disabled hears what it missed, what waited for it too, when it is enabled', async () => {
  await addChannel('ops');
  await sweep([bad(1)], 0);
  await enableChannel(owner, 0, 'ops', false);
  expect(await endOrphans(owner, later(1))).toBe(1);
  await sweep([bad(1), bad(2)], 5);
  await enableChannel(owner, 0, 'ops', true);
  await sweep([bad(1), bad(2)], 10);
  await sweep([bad(1), bad(2)], 15);
  expect(await heard('ops')).toEqual(['fired 1', 'reminder 1', 'reminder 2']);
});

test('a message that the other side refused for good is not put again and again', async () => {
  await addChannel('broken');
  await sweep([bad(1)], 0);
  await owner.query("update runledger.alert_deliveries set state = 'dead', attempts = 3");
  expect(await sweep([bad(1)], 5)).toMatchObject({ messages: 0 });
  await removeChannel(owner, 0, 'broken');
  expect(await sweep([bad(1)], 10)).toMatchObject({ messages: 0 });
});

test('of many it hears in one post', async () => {
  const many = Array.from({ length: 12 }, (_, n) => bad(1, 'page', `pipeline-${n}`));
  await sweep(many, 0);
  await addChannel('late');
  expect(await sweep(many, 5)).toMatchObject({ messages: 12 });
  const posts: { event: string; messages: unknown[] }[] = [];
  const quiet = () => undefined;
  await sendDue(owner, {
    log: { info: quiet, warn: quiet, error: quiet },
    now: () => later(6),
    wait: async () => undefined,
    post: async ({ body }) => {
      posts.push(JSON.parse(body));
      return { ok: true, status: 200 };
    },
  });
  expect(posts.map(({ event, messages }) => [event, messages.length])).toEqual([['digest', 12]]);
});
