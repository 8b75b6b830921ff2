/**
 * A database whose administrator gives no BYPASSRLS and no superuser, as managed services do: row-level security binds the write path, which
 * then cannot COPY into the tables. The same promises hold.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AdministratorNeededError, migrate } from '../../receiver/store/migrate.ts';
import { onDatabase, openPool, withClient } from '../helpers/database_admin.ts';
import { expectExactlyOnce, type PropertyDatabase } from '../helpers/exactly_once.ts';
import { checkLedger } from '../helpers/fault_check.ts';
import { type FaultCluster, startFaultCluster } from '../helpers/fault_cluster.ts';
import { type LoadRun, makeLoad } from '../helpers/fault_load.ts';
import { INGEST_TOKEN } from '../helpers/fault_receiver.ts';
import { placeParked } from '../helpers/fault_scene.ts';
import { createSenders } from '../helpers/fault_senders.ts';
import { createRandom } from '../helpers/random_spans.ts';
import { startTestReceiver } from '../helpers/receiver.ts';
import { asLogin } from '../helpers/seed_tenants.ts';

const LOGIN = 'plain_login';
const PASSWORD = 'of-the-plain-login';

let cluster: FaultCluster;
beforeAll(async () => {
  cluster = await startFaultCluster();
  await withClient(cluster.url, (client) => client.query(`create role ${LOGIN} login password '${PASSWORD}'`));
});
afterAll(() => cluster?.remove());

/** A new database, migrated by the plain login after an administrator ran what the migration asked for, without the superuser's extra. */
async function makeDatabase(name: string): Promise<PropertyDatabase> {
  await withClient(cluster.url, (client) => client.query(`create database ${name}`));
  const superuserUrl = onDatabase(cluster.url, name);
  const databaseUrl = asLogin(superuserUrl, LOGIN, PASSWORD);
  const error = await migrate({ databaseUrl }).catch((reason: unknown) => reason);
  if (!(error instanceof AdministratorNeededError)) throw error;
  await withClient(superuserUrl, async (client) => {
    await client.query(error.sql);
    await client.query('alter role runledger_ingest nobypassrls');
  });
  await migrate({ databaseUrl });
  return { databaseUrl, superuserUrl };
}

test('the whole path over HTTP: rows and counters are exact, and resends change nothing', async () => {
  const { databaseUrl, superuserUrl } = await makeDatabase('plain_http');
  const pool = openPool(databaseUrl, 1);
  const { rows } = await pool.query(
    "select rolname from pg_roles where (rolsuper or rolbypassrls) and rolname in ('plain_login', 'runledger_ingest')",
  );
  await pool.end();
  expect(rows).toEqual([]);
  const receiver = await startTestReceiver(databaseUrl, { RUNLEDGER_INGEST_TOKEN: INGEST_TOKEN });
  const runs: LoadRun[] = [];
  const load = makeLoad(createRandom(7), { spansPerRunMax: 400, spansPerRequestMax: 300, runsAtOnce: 4 });
  runs.push(...load.runs);
  const senders = createSenders(() => Number(new URL(receiver.urls.otlpHttp).port));
  const whole = load.requests.map((request) => ({ ...request, mayBeLeft: false }));
  for (let delivery = 0; delivery < 3; delivery++) {
    const waiting = createRandom(delivery).shuffle(whole);
    await senders.run(4, () => waiting.shift() ?? null);
  }
  senders.close();
  expect(Object.keys(senders.counts.statuses)).toEqual(['200']);
  expect(senders.counts.violations).toEqual([]);
  const warned = receiver.logged.filter(({ level }) => level === 'error' || level === 'fatal');
  await receiver.close();
  await placeParked(databaseUrl);
  expect((await checkLedger(superuserUrl, runs, 0)).faults).toEqual([]);
  expect(warned).toEqual([]);
});

test('any order, cut, encoding, resend, sender count and killed connection ends as one ordered delivery', async () => {
  const [ordered, shuffled] = [await makeDatabase('plain_ordered'), await makeDatabase('plain_shuffled')];
  const killed = await expectExactlyOnce(ordered, shuffled, { sets: 5, firstSeed: 1_001 });
  expect(killed).toBeGreaterThan(0);
});
