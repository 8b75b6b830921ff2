/** The outbox: what is sent, how often, in which order, and what becomes of messages that a channel does not take. */
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { resendDead } from '../../receiver/derive/delivery/outbox.ts';
import type { PostOutcome } from '../../receiver/derive/delivery/post.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { addChannel, clearOutbox, deliveries, OK, openScene, put, type Scene, START } from '../helpers/outbox.ts';

let database: TestDatabase;
let pool: Pool;
let scene: Scene;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 6 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  await clearOutbox(pool);
  scene = openScene(pool);
});

const later = (seconds: number) => new Date(START.getTime() + seconds * 1_000).toISOString();
const failure = (more: Partial<Extract<PostOutcome, { ok: false }>> = {}): PostOutcome => ({
  ok: false,
  status: 500,
  failure: 'status 500',
  refused: false,
  retryAfterMs: null,
  ...more,
});
const states = async () => (await deliveries(pool)).map((row) => row.state);
const MINUTE_MS = 60_000;

describe('a message', () => {
  it('is sent once, with its id, and recorded', async () => {
    await addChannel(pool, 'ops');
    const id = await put(pool, 'ops');
    expect(await scene.send()).toEqual({ sent: 1, failed: 0, dead: 0 });
    expect(await scene.send()).toEqual({ sent: 0, failed: 0, dead: 0 });
    expect(scene.posts.map(({ request }) => request.headers['runledger-delivery'])).toEqual([id]);
    expect(await deliveries(pool)).toMatchObject([
      { state: 'sent', attempts: 1, last_error: null, in_digest: false, finished_at: START },
    ]);
    expect(scene.logged).toEqual([]);
  });

  it('for a channel of one tenant goes there and not to a namesake of all tenants', async () => {
    await addChannel(pool, 'ops');
    await addChannel(pool, 'ops', { tenantId: 7, url: 'https://seven.example/x' });
    await put(pool, 'ops', { channelTenantId: 7 });
    await scene.send();
    expect(scene.posts.map(({ host }) => host)).toEqual(['seven.example']);
  });

  it('that fails is tried again after its wait, and given up after 12 tries with an error in the log', async () => {
    await addChannel(pool, 'ops');
    await put(pool, 'ops');
    scene.answers.set('ops.example', () => failure());
    const begunMs = scene.now().getTime();
    for (let round = 0; round < 20 * 60; round++) {
      await scene.send();
      if ((await states())[0] === 'dead') break;
      scene.pass(MINUTE_MS);
    }
    const minutes = scene.posts.map(({ atMs }) => (atMs - begunMs) / MINUTE_MS);
    expect(minutes).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 124, 184, 244, 304]);
    expect(await deliveries(pool)).toMatchObject([
      { state: 'dead', attempts: 12, last_error: 'status 500; given up after 12 tries', finished_at: scene.now() },
    ]);
    expect(scene.logged.map(({ level }) => level)).toEqual([...Array(11).fill('warn'), 'error']);
  });

  it('that the channel refuses is given up after three', async () => {
    await addChannel(pool, 'ops');
    await put(pool, 'ops');
    scene.answers.set('ops.example', () => failure({ status: 404, failure: 'status 404', refused: true }));
    for (let round = 0; round < 10; round++) {
      await scene.send();
      scene.pass(MINUTE_MS);
    }
    expect(scene.posts).toHaveLength(3);
    expect(await states()).toEqual(['dead']);
  });

  it('that fails at first and is taken later shows no error any more', async () => {
    await addChannel(pool, 'ops');
    await put(pool, 'ops');
    scene.answers.set('ops.example', () => (scene.posts.length < 3 ? failure() : OK));
    for (let round = 0; round < 4; round++) {
      await scene.send();
      scene.pass(MINUTE_MS);
    }
    expect(await deliveries(pool)).toMatchObject([{ state: 'sent', attempts: 3, last_error: null }]);
  });

  it.each(['disabled', 'removed'])('of a channel that was %s is given up and says why', async (how) => {
    await addChannel(pool, 'ops');
    await put(pool, 'ops');
    await pool.query(
      how === 'disabled'
        ? 'update runledger.alert_channels set enabled = false'
        : 'delete from runledger.alert_channels',
    );
    expect(await scene.send()).toEqual({ sent: 0, failed: 0, dead: 1 });
    const reason = how === 'disabled' ? 'the channel is disabled' : 'the channel was removed';
    expect(await deliveries(pool)).toMatchObject([{ state: 'dead', last_error: reason, finished_at: START }]);
    expect(scene.posts).toEqual([]);
  });
});

describe('what was given up', () => {
  it('can be sent again, except what time has passed by', async () => {
    await addChannel(pool, 'ops');
    await put(pool, 'ops', { alert_id: 1, event_at: later(-600) });
    await put(pool, 'ops', { alert_id: 2, event_at: later(-500) });
    await put(pool, 'ops', { alert_id: 3, event_at: later(-400) });
    await pool.query(
      `update runledger.alert_deliveries set state = 'dead', finished_at = event_at, attempts = 12, last_error = 'status 500'`,
    );
    await put(pool, 'ops', { alert_id: 2, event: 'resolved', event_at: later(-100) });
    await pool.query(
      `update runledger.alert_deliveries set state = 'sent', finished_at = event_at where event = 'resolved'`,
    );
    expect(await resendDead(pool, { tenantId: 0, channel: 'other' }, START, START)).toBe(0);
    expect(await resendDead(pool, { tenantId: 0, channel: 'ops' }, new Date(later(-550)), START)).toBe(1);
    expect(await scene.send()).toEqual({ sent: 1, failed: 0, dead: 0 });
    expect((await deliveries(pool)).map((row) => [row.alert_id, row.state, row.attempts])).toEqual([
      [1, 'dead', 12],
      [2, 'dead', 12],
      [3, 'sent', 1],
      [2, 'sent', 0],
    ]);
  });
});

describe('Retry-After', () => {
  it('holds up the whole channel for as long as it asks, and no other channel', async () => {
    await addChannel(pool, 'ops');
    await addChannel(pool, 'other');
    await put(pool, 'ops');
    scene.answers.set('ops.example', () =>
      scene.posts.length === 1 ? failure({ status: 429, failure: 'status 429', retryAfterMs: 10 * MINUTE_MS }) : OK,
    );
    await scene.send();
    await put(pool, 'ops', { alert_id: 42 });
    await put(pool, 'other', { alert_id: 42 });
    for (let minute = 1; minute <= 11; minute++) {
      scene.pass(MINUTE_MS);
      await scene.send();
    }
    const minutes = scene.posts.map(({ atMs, host }) => [host, Math.floor((atMs - START.getTime()) / MINUTE_MS)]);
    expect(minutes).toEqual([
      ['ops.example', 0],
      ['other.example', 1],
      ['ops.example', 10],
      ['ops.example', 10],
    ]);
  });
});

describe('order', () => {
  const fired = { event: 'fired', event_at: later(-300) } as const;
  const resolved = { event: 'resolved', event_at: later(-10), resolved_at: later(-10) } as const;
  const eventsSent = () => scene.posts.map(({ body }) => (body as { event?: string }).event);

  it('an alert that resolved before it could be told is told in full: that it fired, then that it is over', async () => {
    await addChannel(pool, 'ops');
    await put(pool, 'ops', resolved);
    await put(pool, 'ops', fired);
    await scene.send();
    expect(eventsSent()).toEqual(['fired', 'resolved']);
  });

  it('nothing is resolved while its firing waits for another try', async () => {
    await addChannel(pool, 'ops');
    await put(pool, 'ops', fired);
    scene.answers.set('ops.example', () => (scene.posts.length === 1 ? failure() : OK));
    await scene.send();
    await put(pool, 'ops', resolved);
    scene.pass(20_000);
    await scene.send();
    expect(eventsSent()).toEqual(['fired']);
    await put(pool, 'ops', { alert_id: 99, event_at: later(0) });
    await scene.send();
    // Another alert does not wait for it.
    expect(eventsSent()).toEqual(['fired', 'fired']);
    scene.pass(MINUTE_MS);
    await scene.send();
    expect(eventsSent()).toEqual(['fired', 'fired', 'fired', 'resolved']);
  });

  it('the end is told also when the beginning was given up', async () => {
    await addChannel(pool, 'ops');
    await put(pool, 'ops', fired);
    await put(pool, 'ops', resolved);
    await pool.query(`update runledger.alert_deliveries set state = 'dead', finished_at = now() where event = 'fired'`);
    await scene.send();
    expect(eventsSent()).toEqual(['resolved']);
  });
});
