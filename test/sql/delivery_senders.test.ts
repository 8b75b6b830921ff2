/** The outbox under load and in trouble: floods, hosts that hang, senders that race and die; and what an Alertmanager has to hear again. */
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expireDeliveries } from '../../receiver/derive/delivery/outbox.ts';
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

describe('many messages', () => {
  const putMany = async (count: number, channel = 'ops') => {
    for (let index = 0; index < count; index++)
      await put(pool, channel, { alert_id: 100 + index, event_at: later(index - 3_600), title: `message ${index}` });
  };

  it('up to five go by themselves, one a second', async () => {
    await addChannel(pool, 'ops');
    await putMany(5);
    await scene.send();
    expect(scene.posts.map(({ body }) => body.title)).toEqual([0, 1, 2, 3, 4].map((index) => `message ${index}`));
    expect(scene.posts.map(({ atMs }) => atMs - START.getTime())).toEqual([0, 1_000, 2_000, 3_000, 4_000]);
    expect((await deliveries(pool)).every((row) => row.in_digest === false)).toBe(true);
  });

  it('more than five go as one, and each is recorded as part of it', async () => {
    await addChannel(pool, 'ops');
    await putMany(6);
    expect(await scene.send()).toEqual({ sent: 6, failed: 0, dead: 0 });
    expect(scene.posts).toHaveLength(1);
    expect(scene.posts[0]?.body.messages?.map(({ title }) => title)).toHaveLength(6);
    expect(await deliveries(pool)).toEqual(
      Array(6).fill(expect.objectContaining({ state: 'sent', in_digest: true, attempts: 1 })),
    );
  });

  it('a thousand take 34 posts, at most 20 a minute, and none is lost or sent twice', async () => {
    await addChannel(pool, 'ops');
    await pool.query(
      `insert into runledger.alert_deliveries (tenant_id, alert_id, channel_tenant_id, channel, event, event_at, message, next_attempt_at, created_at)
       select 7, i, 0, 'ops', 'fired', $1::timestamptz - i * interval '1 second', jsonb_build_object('event', 'fired', 'event_at', i::text, 'code', 'CR-02',
         'rule', 'x', 'severity', 'warn', 'alert_id', i), $1::timestamptz, $1::timestamptz from generate_series(1, 1000) i`,
      [START],
    );
    for (let round = 0; round < 4; round++) {
      await scene.send();
      scene.pass(MINUTE_MS);
    }
    expect(scene.posts).toHaveLength(34);
    const ids = scene.posts.flatMap(({ body }) => body.messages?.map((message) => message.alert_id) ?? []);
    expect(new Set(ids).size).toBe(1_000);
    expect(ids).toHaveLength(1_000);
    const times = scene.posts.map(({ atMs }) => atMs);
    for (const time of times)
      expect(times.filter((other) => other > time - MINUTE_MS && other <= time).length).toBeLessThanOrEqual(20);
  });

  it('one that a channel will not take does not take the others with it for ever', async () => {
    await addChannel(pool, 'ops');
    await putMany(12);
    scene.answers.set('ops.example', ({ body }) =>
      body.includes('"message 4"') ? failure({ status: 400, failure: 'status 400', refused: true }) : OK,
    );
    for (let round = 0; round < 12; round++) {
      await scene.send();
      scene.pass(MINUTE_MS);
    }
    expect((await states()).filter((state) => state === 'sent')).toHaveLength(11);
    expect((await deliveries(pool))[4]).toMatchObject({ state: 'dead' });
  });
});

describe('one channel', () => {
  it('that hangs does not hold up the others', async () => {
    const names = ['slow', ...Array.from({ length: 20 }, (_, index) => `ops-${index}`)];
    for (const name of names) {
      await addChannel(pool, name);
      await put(pool, name, { event_at: name === 'slow' ? later(-60) : later(0) });
    }
    let release: (outcome: PostOutcome) => void = () => undefined;
    scene.answers.set(
      'slow.example',
      () =>
        new Promise((resolve) => {
          release = resolve;
        }),
    );
    const sending = scene.send();
    while (scene.posts.length < names.length) await new Promise((resolve) => setTimeout(resolve, 5));
    release(failure({ status: null, failure: 'no answer within 5 s' }));
    expect(await sending).toEqual({ sent: 20, failed: 1, dead: 0 });
  });

  it('whose record cannot be written sends again under the same id, and the others are served', async () => {
    await addChannel(pool, 'ops');
    await put(pool, 'ops');
    scene.answers.set('ops.example', async () => {
      // The process dies after the other side took the message and before that is recorded.
      if (scene.posts.length === 1) throw new Error('killed');
      return OK;
    });
    await expect(scene.send()).rejects.toThrow('killed');
    expect(await scene.send()).toEqual({ sent: 0, failed: 0, dead: 0 });
    scene.pass(MINUTE_MS);
    expect(await scene.send()).toEqual({ sent: 1, failed: 0, dead: 0 });
    expect(new Set(scene.posts.map(({ request }) => request.headers['runledger-delivery'])).size).toBe(1);
    expect(await deliveries(pool)).toMatchObject([{ state: 'sent', attempts: 2 }]);
  });
});

describe('two senders', () => {
  it('at once send each message once and keep the pace of the channel between them', async () => {
    const count = 20;
    for (const name of ['a', 'b', 'c', 'd']) await addChannel(pool, name);
    for (let index = 0; index < count; index++)
      await put(pool, ['a', 'b', 'c', 'd'][index % 4] ?? '', { alert_id: index, event_at: later(index - 100) });
    const senders = Array.from({ length: 6 }, () => openScene(pool));
    const results = await Promise.all(senders.map((sender) => sender.send()));
    expect(results.reduce((sum, { sent }) => sum + sent, 0)).toBe(count);
    const ids = senders.flatMap(({ posts }) => posts.map(({ request }) => request.headers['runledger-delivery']));
    expect(new Set(ids).size).toBe(count);
    expect(ids).toHaveLength(count);
    expect((await deliveries(pool)).every((row) => row.state === 'sent' && row.attempts === 1)).toBe(true);
  });

  it('of which one was killed with the channel in its hands: the other waits for its lease and goes on', async () => {
    await addChannel(pool, 'ops');
    await put(pool, 'ops');
    await pool.query(`update runledger.alert_channels set leased_until = $1::timestamptz + interval '60 seconds'`, [
      START,
    ]);
    await scene.send();
    expect(scene.posts).toEqual([]);
    scene.pass(MINUTE_MS);
    await scene.send();
    expect(scene.posts).toHaveLength(1);
  });

  it('stop in order: what is being sent is recorded and nothing more is begun', async () => {
    await addChannel(pool, 'ops');
    for (let index = 0; index < 4; index++) await put(pool, 'ops', { alert_id: index });
    const stopped = new AbortController();
    scene.answers.set('ops.example', () => {
      stopped.abort();
      return OK;
    });
    expect(await scene.send({ signal: stopped.signal })).toEqual({ sent: 1, failed: 0, dead: 0 });
    expect((await states()).sort()).toEqual(['pending', 'pending', 'pending', 'sent']);
  });
});

describe('an Alertmanager', () => {
  const fire = async (alertId: number) => {
    await pool.query(
      `insert into runledger.alerts (tenant_id, alert_id, rule, code, severity, subject, fired_at, last_bad_at)
       overriding system value values (7, $1, 'crawl_error_rate', 'CR-02', 'warn', $2, $3, $3)`,
      [alertId, `stage ${alertId}`, START],
    );
    await put(pool, 'am', { alert_id: alertId, subject: `stage ${alertId}` });
  };
  const subjectsOf = (index: number) => {
    const alerts = (scene.posts[index]?.body ?? []) as unknown as { labels: { subject: string } }[];
    return alerts.map(({ labels }) => labels.subject).sort();
  };

  it('is told of open alerts again every few minutes, until they resolve', async () => {
    await addChannel(pool, 'am', { kind: 'alertmanager' });
    await fire(1);
    await scene.send();
    expect(subjectsOf(0)).toEqual(['stage 1']);
    for (let minute = 1; minute <= 12; minute++) {
      scene.pass(MINUTE_MS);
      await scene.send();
    }
    expect(scene.posts).toHaveLength(4);
    for (const index of [1, 2, 3]) expect(subjectsOf(index)).toEqual(['stage 1']);
    await fire(2);
    scene.pass(MINUTE_MS);
    await scene.send();
    expect(subjectsOf(4)).toEqual(['stage 1', 'stage 2']);
    await pool.query(`update runledger.alerts set state = 'resolved', resolved_at = now()`);
    scene.pass(10 * MINUTE_MS);
    await scene.send();
    expect(scene.posts).toHaveLength(5);
  });
});

describe('the record', () => {
  it('of settled messages is kept 90 days, longer while the alert is open, and never removed while it waits', async () => {
    await addChannel(pool, 'ops');
    await pool.query(
      `insert into runledger.alerts (tenant_id, alert_id, rule, code, severity, fired_at, last_bad_at) overriding system value
       values (7, 2, 'x', 'CR-02', 'warn', now(), now())`,
    );
    for (const alertId of [1, 2, 3, 4]) await put(pool, 'ops', { alert_id: alertId });
    await pool.query(
      `update runledger.alert_deliveries set state = 'sent', finished_at = $1 where alert_id in (1, 2)`,
      [later(-10)],
    );
    await pool.query(`update runledger.alert_deliveries set state = 'dead', finished_at = $1 where alert_id = 4`, [
      later(10),
    ]);
    expect(await expireDeliveries(pool, START)).toBe(1);
    expect((await deliveries(pool)).map((row) => row.alert_id)).toEqual([2, 3, 4]);
  });
});
