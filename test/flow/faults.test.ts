/**
 * A database that is away, slow, locked or cut off in the middle of a commit: senders get 503 with Retry-After before their own patience ends,
 * nothing grows, and once the fault is over everything goes on by itself with every span counted once.
 */
import { Agent } from 'node:http';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { migrate } from '../../receiver/store/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { checkLedger } from '../helpers/fault_check.ts';
import { type LoadRequest, type LoadRun, loadBody, makeLoad } from '../helpers/fault_load.ts';
import { type FaultProxy, startFaultProxy } from '../helpers/fault_proxy.ts';
import { INGEST_TOKEN } from '../helpers/fault_receiver.ts';
import { placeParked, throughProxy } from '../helpers/fault_scene.ts';
import { type Answer, createSenders, post, type Senders, sleep } from '../helpers/fault_senders.ts';
import { createRandom } from '../helpers/random_spans.ts';
import { startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';

const SHAPE = { spansPerRunMax: 200, spansPerRequestMax: 200, runsAtOnce: 2 };

let database: TestDatabase;
let superuser: pg.Pool;
let proxy: FaultProxy;
let receiver: TestReceiver;
let senders: Senders;
let agent: Agent;
let runs: LoadRun[];

beforeAll(() => {
  agent = new Agent({ keepAlive: true });
});
afterAll(() => agent.destroy());
beforeEach(async () => {
  database = await createTestDatabase();
  superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 4 });
  superuser.on('error', () => undefined);
  proxy = await startFaultProxy(Number(new URL(database.databaseUrl).port));
  receiver = await startTestReceiver(throughProxy(database.databaseUrl, proxy), {
    RUNLEDGER_INGEST_TOKEN: INGEST_TOKEN,
  });
  senders = createSenders(() => port());
  runs = [];
});
afterEach(async () => {
  senders.close();
  await receiver.close();
  await proxy.close();
  await superuser.end();
  await database.drop();
});

const port = () => Number(new URL(receiver.urls.otlpHttp).port);

function load(seed: number, shape = SHAPE): LoadRequest[] {
  const made = makeLoad(createRandom(seed), shape);
  runs.push(...made.runs);
  return made.requests.map((request) => ({ ...request, mayBeLeft: false }));
}

const fromList = (requests: LoadRequest[]) => () => requests.shift() ?? null;

/** One try of a sender that gives up after its ten seconds, which is a fault of ours here. */
async function tryOnce(request: LoadRequest): Promise<Answer> {
  const contentType = request.encoding === 'json' ? 'application/json' : 'application/x-protobuf';
  const answer = await post(port(), agent, loadBody(request), { 'Content-Type': contentType });
  if (answer instanceof Error) throw answer;
  return answer;
}

async function expectNothingWrong(): Promise<void> {
  await placeParked(database.superuserUrl);
  const { faults } = await checkLedger(database.superuserUrl, runs, 0);
  expect([...faults, ...senders.counts.violations]).toEqual([]);
}

const metricOf = async (name: string) => {
  const text = await (await fetch(`${receiver.urls.api}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1] ?? Number.NaN);
};

test.each(['answer', 'request'] as const)('a COMMIT whose %s is lost is done once', async (lost) => {
  let cuts = 0;
  proxy.rules = {
    fromClient(chunk, link) {
      if (!chunk.includes('commit\0') || cuts >= 6) return 'pass';
      cuts++;
      link.memory.cut = true;
      return lost === 'request' ? 'reset' : 'pass';
    },
    fromServer: (_, link) => (link.memory.cut === true ? 'reset' : 'pass'),
  };
  const requests = load(lost === 'answer' ? 1 : 2);
  await senders.run(3, fromList(requests));
  expect(cuts).toBe(6);
  proxy.rules = {};
  await expectNothingWrong();
});

test('a database that is away for three seconds: only 503 with Retry-After, bounded, and back by itself', async () => {
  const requests = load(3, { ...SHAPE, spansPerRunMax: 2_000, runsAtOnce: 4 });
  await senders.run(1, fromList(requests.splice(0, 3)));
  const before = process.memoryUsage().rss;
  proxy.target = null;
  proxy.resetAll();
  const sending = senders.run(40, fromList(requests));
  let queued = 0;
  for (let i = 0; i < 30; i++) {
    await sleep(100);
    queued = Math.max(queued, await metricOf('runledger_queue_rows'));
  }
  await expect.poll(() => senders.counts.statuses[503] ?? 0).toBeGreaterThan(0);
  expect((await fetch(`${receiver.urls.api}/healthz`)).status).toBe(200);
  expect((await fetch(`${receiver.urls.api}/readyz`)).status).toBe(503);
  expect(Object.keys(senders.counts.statuses).sort()).toEqual(['200', '503']);
  expect(senders.counts.statuses[200]).toBe(3);
  proxy.target = Number(new URL(database.databaseUrl).port);
  await sending;
  expect(queued).toBeLessThanOrEqual(32_768);
  expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
  await expect.poll(async () => (await fetch(`${receiver.urls.api}/readyz`)).status).toBe(200);
  expect(await metricOf('runledger_body_bytes_in_flight')).toBe(0);
  await expectNothingWrong();
});

test('connections that are dead without a word: 503 before the sender gives up, and new connections soon', async () => {
  const requests = load(4);
  await senders.run(1, fromList(requests.splice(0, 2)));
  // As behind a firewall that forgot its connections: what is open says nothing any more, what is opened anew works.
  let areDead = true;
  proxy.rules = {
    fromClient(_, link) {
      link.memory.dead ??= areDead;
      return link.memory.dead === true ? 'hold' : 'pass';
    },
  };
  // One for each writer, so that none is left over.
  const first = tryOnce(requests[0] as LoadRequest);
  await sleep(100);
  for (const answer of await Promise.all([first, tryOnce(requests[1] as LoadRequest)])) {
    expect(answer).toMatchObject({ status: 503, retryAfter: '1' });
  }
  areDead = false;
  await senders.run(3, fromList(requests));
  await expectNothingWrong();
  // The connections of other roles are still dead, and nobody needs them.
  proxy.resetAll();
});

test('a lock that somebody holds on a counter: 503 before the sender gives up, and exact once it is gone', async () => {
  const requests = load(5);
  await senders.run(1, fromList(requests.splice(0, 4)));
  const holder = await superuser.connect();
  await holder.query('begin');
  await holder.query('select from public.run_stage_stats for update');
  const tries = await Promise.all(requests.slice(0, 6).map(tryOnce));
  for (const answer of tries) {
    expect(answer).toMatchObject({ status: 503, retryAfter: '1' });
  }
  await holder.query('rollback');
  holder.release();
  await senders.run(3, fromList(requests));
  await expectNothingWrong();
});

test('migrations and further starts beside a running ingest disturb nobody', async () => {
  const requests = load(6, { ...SHAPE, spansPerRunMax: 1_000, runsAtOnce: 3 });
  const sending = senders.run(3, fromList(requests));
  await Promise.all([1, 2].map(() => migrate({ databaseUrl: database.databaseUrl })));
  const second = await startTestReceiver(database.databaseUrl, { RUNLEDGER_INGEST_TOKEN: INGEST_TOKEN });
  const days = 'runledger.ensure_partitions(current_date + 20, current_date + 40)';
  await superuser.query(`select ${days}`);
  await second.close();
  await sending;
  expect(Object.keys(senders.counts.statuses)).toEqual(['200']);
  await expectNothingWrong();
});
