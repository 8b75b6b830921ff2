/**
 * Random nights of an outbox: alerts fire and resolve, hosts fail in every way, two senders share the work and die in the middle. Whatever the
 * order of things: nothing is lost, nothing is repeated without a death, nothing resolves before it fired, and no channel is posted to too fast.
 */
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PostOutcome, PostRequest } from '../../receiver/derive/delivery/post.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { addChannel, clearOutbox, openScene, put, type Scene } from '../helpers/outbox.ts';
import { createRandom, type Random } from '../helpers/random_spans.ts';

const NIGHTS = 12;
const MINUTES_OF_TROUBLE = 90;
/** Longer than all tries of a message take. */
const MINUTES_OF_PEACE = 8 * 60;
const CHANNELS = ['ops', 'hook', 'third'];

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 8 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const DEATH = 'the sender died';

interface Night {
  scene: Scene;
  random: Random;
  /** Delivery ids in the order in which a host took them, by channel. */
  taken: { channel: string; id: string }[];
  deaths: Map<string, number>;
  /** What was put: alert, channel, event. */
  put: Map<string, { channel: string; alertId: number; event: string }>;
}

function idsOf(request: PostRequest): string[] {
  const body = JSON.parse(request.body);
  return (body.messages ?? [body]).map((message: { delivery: string }) => message.delivery);
}

const FAILURES: Partial<Extract<PostOutcome, { ok: false }>>[] = [
  { status: 500, failure: 'status 500' },
  { status: 429, failure: 'status 429', retryAfterMs: 150_000 },
  { status: 400, failure: 'status 400', refused: true },
  { status: 404, failure: 'status 404', refused: true },
  { status: null, failure: 'no answer within 5 s' },
];

/** A host that takes a message, fails, or takes it and leaves the sender dead. */
function answer(night: Night, channel: string, trouble: number) {
  return async (request: PostRequest): Promise<PostOutcome> => {
    await new Promise((resolve) => setImmediate(resolve));
    const ids = idsOf(request);
    if (!night.random.chance(trouble)) {
      for (const id of ids) night.taken.push({ channel, id });
      return { ok: true, status: 200 };
    }
    if (night.random.chance(0.3)) {
      if (night.random.chance(0.5)) for (const id of ids) night.taken.push({ channel, id });
      for (const id of ids) night.deaths.set(id, (night.deaths.get(id) ?? 0) + 1);
      throw new Error(DEATH);
    }
    return { ok: false, status: 500, failure: '', refused: false, retryAfterMs: null, ...night.random.pick(FAILURES) };
  };
}

async function playNight(seed: number): Promise<Night> {
  await clearOutbox(pool);
  const random = createRandom(seed);
  const night: Night = { scene: openScene(pool), random, taken: [], deaths: new Map(), put: new Map() };
  for (const channel of CHANNELS) await addChannel(pool, channel);
  for (let minute = 0; minute < MINUTES_OF_TROUBLE + MINUTES_OF_PEACE; minute++) {
    const isTrouble = minute < MINUTES_OF_TROUBLE;
    if (isTrouble) await putSome(night);
    for (const channel of CHANNELS)
      night.scene.answers.set(`${channel}.example`, answer(night, channel, isTrouble ? 0.5 : 0));
    await Promise.all([sendOnce(night), sendOnce(night)]);
    night.scene.pass(60_000 - (night.scene.now().getTime() % 60_000));
    if (!isTrouble && (await countWaiting()) === 0) break;
  }
  return night;
}

async function putSome({ scene, random, put: known }: Night): Promise<void> {
  const burst = random.chance(0.1) ? 9 : random.below(3);
  for (let index = 0; index < burst; index++) {
    const channel = random.pick(CHANNELS);
    const alertId = random.below(12);
    const before = [...known.values()].filter((one) => one.channel === channel && one.alertId === alertId);
    const event = before.at(-1)?.event === 'fired' ? 'resolved' : 'fired';
    // Each firing is another alert in the ledger.
    const id = Math.floor(before.length / 2) * 100 + alertId;
    const eventAt = new Date(scene.now().getTime() + index).toISOString();
    const delivery = await put(pool, channel, { alert_id: id, event, event_at: eventAt });
    known.set(delivery, { channel, alertId, event });
  }
}

async function sendOnce({ scene, random }: Night): Promise<void> {
  try {
    await scene.send({ random: random.next });
  } catch (error) {
    if (!(error instanceof Error) || error.message !== DEATH) throw error;
  }
}

async function countWaiting(): Promise<number> {
  const { rows } = await pool.query(
    `select count(*)::int as n from runledger.alert_deliveries where state = 'pending'`,
  );
  return rows[0]?.n ?? 0;
}

describe.each(Array.from({ length: NIGHTS }, (_, index) => 7_000 + index))('night %i', (seed) => {
  it('loses nothing, repeats nothing without a death, keeps order and pace', async () => {
    const night = await playNight(seed);
    const { rows } = await pool.query(
      `select tenant_id || '-' || delivery_id as id, channel, alert_id, event, state from runledger.alert_deliveries order by event_at, delivery_id`,
    );
    const firstTaken = new Map<string, number>();
    const times = new Map<string, number>();
    for (const [index, { id }] of night.taken.entries()) {
      if (!firstTaken.has(id)) firstTaken.set(id, index);
      times.set(id, (times.get(id) ?? 0) + 1);
    }
    expect(rows.length).toBe(night.put.size);
    for (const row of rows) {
      expect(row.state).not.toBe('pending');
      if (row.state === 'sent') expect(firstTaken.has(row.id), `${row.id} is recorded as sent`).toBe(true);
      expect(times.get(row.id) ?? 0).toBeLessThanOrEqual(1 + (night.deaths.get(row.id) ?? 0));
    }
    for (const resolved of rows.filter((row) => row.event === 'resolved')) {
      const fired = rows.find(
        (row) => row.event === 'fired' && row.alert_id === resolved.alert_id && row.channel === resolved.channel,
      );
      const at = firstTaken.get(resolved.id);
      if (at === undefined || fired?.state !== 'sent') continue;
      expect(firstTaken.get(fired.id)).toBeLessThanOrEqual(at);
    }
    for (const channel of CHANNELS) {
      const posted = night.scene.posts.filter(({ host }) => host === `${channel}.example`).map(({ atMs }) => atMs);
      for (const [index, time] of posted.entries()) {
        if (index > 0) expect(time - (posted[index - 1] ?? 0)).toBeGreaterThanOrEqual(1_000);
        expect(posted.filter((other) => other > time - 60_000 && other <= time).length).toBeLessThanOrEqual(20);
      }
    }
    expect(rows.filter((row) => row.state === 'sent').length).toBeGreaterThan(rows.length / 2);
  }, 120_000);
});
