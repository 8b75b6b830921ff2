/**
 * Processes that are killed or stopped under load, with senders that send until acknowledged: nothing acknowledged is lost, nothing is counted
 * twice. A short form of test/fault/kill.ts, which does it a thousand times.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type FaultCluster, startFaultCluster } from '../helpers/fault_cluster.ts';
import { type FaultScene, openScene, placeParked } from '../helpers/fault_scene.ts';
import { sleep } from '../helpers/fault_senders.ts';
import { createRandom } from '../helpers/random_spans.ts';

const SHAPE = { spansPerRunMax: 300, spansPerRequestMax: 500, runsAtOnce: 3 };

let cluster: FaultCluster;
let scene: FaultScene;
beforeAll(async () => {
  cluster = await startFaultCluster();
});
afterEach(() => scene?.close());
afterAll(() => cluster?.remove());

test('kill -9 of the receiver, of PostgreSQL and of a backend, three times each', async () => {
  scene = await openScene(cluster.url, { pauseMs: () => 20 });
  const receiver = scene.newReceiver();
  await receiver.start();
  let isOver = false;
  const sending = scene.senders.run(
    3,
    scene.supply(createRandom(1), SHAPE, () => isOver),
  );
  for (let round = 0; round < 3; round++) {
    await sleep(300);
    await receiver.kill();
    await receiver.start();
    await sleep(200);
    expect(cluster.killServer()).toBe(true);
    await cluster.untilUp();
    await sleep(500);
    await cluster.killBackend();
    await cluster.untilUp();
  }
  // However slow the machine: what is checked is worth it only when enough went through, and some of it twice.
  const { counts } = scene.senders;
  await expect.poll(() => counts.acknowledgedSpans > 1_000 && counts.resends > 0, { timeout: 60_000 }).toBe(true);
  isOver = true;
  await sending;
  await placeParked(scene.databaseUrl);
  expect(await scene.faults(15_000)).toEqual([]);
}, 120_000);

test('SIGTERM under load, with the next process up before: each ends with code 0 and loses nothing it acknowledged', async () => {
  scene = await openScene(cluster.url, { pauseMs: () => 5 });
  let current = scene.newReceiver();
  await current.start();
  let isOver = false;
  const sending = scene.senders.run(
    3,
    scene.supply(createRandom(2), SHAPE, () => isOver),
  );
  for (let round = 0; round < 2; round++) {
    await sleep(500);
    const next = scene.newReceiver();
    await next.start();
    expect(await current.terminate()).toBe(0);
    current = next;
  }
  isOver = true;
  await sending;
  await placeParked(scene.databaseUrl);
  expect(await scene.faults(15_000)).toEqual([]);
  expect(Object.keys(scene.senders.counts.statuses).filter((status) => !['200', '503'].includes(status))).toEqual([]);
});
