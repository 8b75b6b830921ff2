/** A job whose end cannot be noted, because the database went away while it ran: the process lives, and jobs go on once it is back. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startJobs } from '../../receiver/derive/scheduler.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { loadSql } from '../../receiver/store/sql.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { withClient } from '../helpers/database_admin.ts';
import { type FaultProxy, startFaultProxy } from '../helpers/fault_proxy.ts';

let database: TestDatabase;
let proxy: FaultProxy;

beforeAll(async () => {
  database = await createTestDatabase();
  // A clone of a database has no rights of its own on the database; migrate gives them again at every start.
  await withClient(database.superuserUrl, (client) => client.query(loadSql('roles/database')));
  proxy = await startFaultProxy(Number(new URL(database.databaseUrl).port));
});
afterAll(async () => {
  await proxy.close();
  await database.drop();
});

it('a database that goes away during a job ends no process, and the next job runs', async () => {
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown) => void rejections.push(reason);
  process.on('unhandledRejection', onRejection);
  const through = new URL(database.databaseUrl);
  through.port = String(proxy.port);
  const owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 1 });
  const server = proxy.target;
  const complaints: string[] = [];
  const note = (_: object, message: string) => void complaints.push(message);
  let expired = 0;
  const jobs = await startJobs({
    databaseUrl: through.href,
    log: { info: () => undefined, warn: note, error: note },
    writer: {
      sweepParked: async () => 0,
      expireParked: async () => {
        expired++;
        if (expired > 1) return 0;
        proxy.target = null;
        proxy.resetAll();
        return 0;
      },
    },
    ensurePartitions: async () => undefined,
    eventRetentionDays: 30,
    qaRetentionDays: 90,
    links: { publicUrl: 'http://127.0.0.1:8080', jaegerUiUrl: null },
  });
  const ask = () => owner.query(`select graphile_worker.add_job('expire_parked', '{}'::json)`);
  try {
    await ask();
    // Its end was tried to be noted once the runner is said to have failed.
    await expect.poll(() => complaints.some((line) => line.includes('starting it again'))).toBe(true);
    expect(expired).toBe(1);
    proxy.target = server;
    await ask();
    await expect.poll(() => expired).toBeGreaterThan(1);
    expect(rejections).toEqual([]);
  } finally {
    proxy.target = server;
    await jobs.stop();
    await owner.end();
    process.off('unhandledRejection', onRejection);
  }
});
