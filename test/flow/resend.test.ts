/** The same spans again and again, by two receivers at once and through a storm of forced retries: each counts once. */
import { Agent, createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { checkLedger } from '../helpers/fault_check.ts';
import { type LoadRequest, type LoadRun, makeLoad } from '../helpers/fault_load.ts';
import { INGEST_TOKEN } from '../helpers/fault_receiver.ts';
import { placeParked } from '../helpers/fault_scene.ts';
import { createSenders, post } from '../helpers/fault_senders.ts';
import { createRandom } from '../helpers/random_spans.ts';
import { startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';

let database: TestDatabase;
let receivers: TestReceiver[];
let agent: Agent;
let runs: LoadRun[];
beforeEach(async () => {
  database = await createTestDatabase();
  const start = () => startTestReceiver(database.databaseUrl, { RUNLEDGER_INGEST_TOKEN: INGEST_TOKEN });
  receivers = [await start(), await start()];
  agent = new Agent({ keepAlive: true });
  runs = [];
});
afterEach(async () => {
  agent.destroy();
  for (const receiver of receivers) await receiver.close();
  await database.drop();
});

const portOf = (receiver: TestReceiver | undefined) => Number(new URL(receiver?.urls.otlpHttp ?? '').port);
function load(seed: number, spansPerRunMax: number, spansPerRequestMax: number): LoadRequest[] {
  const made = makeLoad(createRandom(seed), { spansPerRunMax, spansPerRequestMax, runsAtOnce: 3 });
  runs.push(...made.runs);
  return made.requests.map((request) => ({ ...request, mayBeLeft: false }));
}

async function expectExact(): Promise<void> {
  await placeParked(database.superuserUrl);
  expect((await checkLedger(database.superuserUrl, runs, 0)).faults).toEqual([]);
}

test('one batch forty times through each of two receivers, all at once', async () => {
  const requests = load(1, 400, 1_000);
  const whole: LoadRequest = { spans: requests.flatMap(({ spans }) => spans), encoding: 'protobuf', mayBeLeft: false };
  const deliveries = Array.from({ length: 80 }, () => whole);
  let turn = 0;
  const senders = createSenders(() => portOf(receivers[turn++ % 2]));
  await senders.run(80, () => deliveries.shift() ?? null);
  senders.close();
  expect(senders.counts.acknowledgedRequests).toBe(80);
  expect(senders.counts.violations).toEqual([]);
  await expectExact();
});

test('overlapping batches in other cuts, through both receivers at once', async () => {
  const requests = load(2, 300, 200);
  const spans = requests.flatMap((request) => request.spans);
  const random = createRandom(3);
  const again = Array.from({ length: 40 }, (): LoadRequest => {
    const at = random.below(spans.length);
    const part = random.shuffle(spans.slice(at, at + 1 + random.below(300)));
    return { spans: part, encoding: random.chance(0.5) ? 'json' : 'protobuf', mayBeLeft: false };
  });
  const deliveries = random.shuffle([...requests, ...requests, ...again]);
  const senders = createSenders(() => portOf(receivers[random.below(2)]));
  await senders.run(8, () => deliveries.shift() ?? null);
  senders.close();
  expect(senders.counts.violations).toEqual([]);
  await expectExact();
});

test('a storm of retries: seven of ten answers are replaced by 503, before or after the receiver had the request', async () => {
  const counts = { before: 0, after: 0 };
  const storm = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.once('end', async () => {
      const force = (when: 'before' | 'after') => {
        counts[when]++;
        outgoing.writeHead(503, { 'Retry-After': '1' }).end();
      };
      const die = Math.random();
      if (die < 0.35) return force('before');
      const type = String(incoming.headers['content-type']);
      const answer = await post(portOf(receivers[0]), agent, Buffer.concat(chunks), { 'Content-Type': type });
      if (die < 0.7) return force('after');
      if (answer instanceof Error) return outgoing.destroy();
      const retryAfter = answer.retryAfter === undefined ? {} : { 'Retry-After': answer.retryAfter };
      outgoing.writeHead(answer.status, retryAfter).end(answer.body);
      return undefined;
    });
  });
  const port = await listenOn(storm);
  const requests = load(4, 600, 100);
  const sent = requests.length;
  const senders = createSenders(() => port);
  await senders.run(12, () => requests.shift() ?? null);
  senders.close();
  storm.closeAllConnections();
  await new Promise((resolve) => storm.close(resolve));
  expect(counts.before).toBeGreaterThan(10);
  expect(counts.after).toBeGreaterThan(10);
  expect(senders.counts.acknowledgedRequests).toBe(sent);
  expect(senders.counts.violations).toEqual([]);
  await expectExact();
});

function listenOn(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
}
