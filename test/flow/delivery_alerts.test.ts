/** From a failed run to a host that hears of it, and a dead letter that is heard of elsewhere: the real sweep, the real outbox, real HTTP. */
import type { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sweepAlerts } from '../../receiver/derive/alerts/sweep.ts';
import { setChannel } from '../../receiver/derive/delivery/channels.ts';
import type { ChannelKind } from '../../receiver/derive/delivery/request.ts';
import { type SendResult, sendDue } from '../../receiver/derive/delivery/send_due.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { clearRuns, seedRun } from '../helpers/alert_runs.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { startTarget, type TestTarget } from '../helpers/hostile_server.ts';
import { clearOutbox } from '../helpers/outbox.ts';

let database: TestDatabase;
let pool: Pool;
const targets: TestTarget[] = [];
const NIGHT = Date.parse('2026-11-22T02:00:00Z');
const LINKS = { publicUrl: 'https://ledger.example', jaegerUiUrl: null };
const quiet = () => undefined;
const log = { info: quiet, warn: quiet, error: quiet };

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 4 });
  // Only what these tests make happen is to be judged.
  await pool.query(`update runledger.alert_rules set enabled = rule in ('run_failed', 'ingest_health')`);
});
beforeEach(async () => {
  await clearRuns(pool);
  await clearOutbox(pool);
});
afterEach(async () => {
  await Promise.all(targets.splice(0).map((target) => target.close()));
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const at = (minutes: number) => new Date(NIGHT + minutes * 60_000);

async function channelTo(channel: string, kind: ChannelKind, ...answer: Parameters<typeof startTarget>) {
  const host = await startTarget(...answer);
  targets.push(host);
  await setChannel(pool, { tenantId: 0, channel, kind, url: host.url, allowPrivate: true });
  return host;
}

async function sweepAndSend(minutes: number): Promise<SendResult> {
  await sweepAlerts(pool, { links: LINKS, log, now: at(minutes) });
  return sendDue(pool, { log, now: () => at(minutes), wait: async () => undefined });
}

const bodies = (host: TestTarget) => host.received.map(({ body }) => JSON.parse(body));

describe('a run that failed', () => {
  it('is heard of once on every channel, and so is its recovery', async () => {
    const hook = await channelTo('hook', 'webhook');
    const slack = await channelTo('ops', 'slack');
    const manager = await channelTo('am', 'alertmanager');
    await seedRun(pool, at(-60).toISOString(), { status: 'failed' });
    for (const minutes of [0, 5, 10]) await sweepAndSend(minutes);
    await seedRun(pool, at(12).toISOString(), { minutes: 30 });
    for (const minutes of [60, 65]) await sweepAndSend(minutes);

    expect(bodies(hook).map(({ event, code, severity }) => [event, code, severity])).toEqual([
      ['fired', 'RF-07', 'page'],
      ['resolved', 'RF-07', 'page'],
    ]);
    expect(bodies(slack).map(({ blocks }) => blocks[0].text.text.split(' ', 2).join(' '))).toEqual([
      '🔴 RF-07',
      '✅ RF-07',
    ]);
    expect(JSON.stringify(bodies(slack)[0])).toContain('|Runbook>');
    // Told, told again while it fires, told that it is over.
    expect(bodies(manager)).toHaveLength(4);
    const [first, last] = [bodies(manager)[0][0], bodies(manager).at(-1)[0]];
    expect(first.labels).toMatchObject({ alertname: 'run_failed', code: 'RF-07', severity: 'page', tenant: '7' });
    expect(last.labels).toEqual(first.labels);
    expect(first.endsAt > at(10).toISOString()).toBe(true);
    expect(last.endsAt <= at(60).toISOString()).toBe(true);
  });
});

describe('a message that was given up', () => {
  it('is itself an alert on the channels that work, until one gets through', async () => {
    let isBroken = true;
    const broken = await channelTo('broken', 'webhook', (response) => response.writeHead(isBroken ? 404 : 200).end());
    const hook = await channelTo('hook', 'webhook');
    await seedRun(pool, at(-60).toISOString(), { status: 'failed' });
    for (let minutes = 0; minutes <= 15; minutes += 5) await sweepAndSend(minutes);
    expect(bodies(broken).filter(({ code }) => code === 'RF-07')).toHaveLength(3);

    const about = () => bodies(hook).filter(({ rule }) => rule === 'ingest_health');
    await sweepAndSend(20);
    expect(about().map(({ event, subject, numbers }) => [event, subject, numbers.last_error])).toEqual([
      ['fired', 'delivery:broken', 'status 404; given up after 3 tries'],
    ]);

    isBroken = false;
    await seedRun(pool, at(21).toISOString(), { minutes: 30 });
    await sweepAndSend(80);
    await sweepAndSend(85);
    expect(about().map(({ event }) => event)).toEqual(['fired', 'resolved']);
  });
});
