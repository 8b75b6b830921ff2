/** Bad input against the running product, a short form of test/fault/fuzz.ts: the allowed answers only, alive, bounded, good spans kept. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { runFuzz } from '../helpers/fault_fuzz_run.ts';
import { createFaultReceiver, type FaultReceiver } from '../helpers/fault_receiver.ts';
import { placeParked, registerFaultTenants } from '../helpers/fault_scene.ts';

/** RUNLEDGER_FUZZ_REQUESTS and RUNLEDGER_FUZZ_SEED choose how many and which. */
const REQUESTS = Number(process.env.RUNLEDGER_FUZZ_REQUESTS ?? 5_000);
const SEED = Number(process.env.RUNLEDGER_FUZZ_SEED ?? 1);

const dataDir = mkdtempSync(join(tmpdir(), 'runledger-fuzz-'));
let database: TestDatabase;
let receiver: FaultReceiver;
beforeAll(async () => {
  database = await createTestDatabase();
  const { databaseUrl } = database;
  await registerFaultTenants(databaseUrl);
  receiver = createFaultReceiver({ dataDir, databaseUrl, environment: { RUNLEDGER_TENANT_AUTOCREATE: '0' } });
  await receiver.start();
});
afterAll(async () => {
  await database?.drop();
  rmSync(dataDir, { recursive: true, force: true });
});

test(
  'fuzzed requests get the allowed answers, and the good spans beside bad ones are kept',
  async () => {
    const result = await runFuzz(
      {
        port: Number(new URL(receiver.urls.otlpHttp).port),
        pid: receiver.pid,
        databaseUrl: database.databaseUrl,
        settle: () => placeParked(database.databaseUrl),
      },
      REQUESTS,
      SEED,
      () => undefined,
    );
    expect(result.faults).toEqual([]);
    expect(Object.keys(result.statuses)).toEqual(
      expect.arrayContaining(['200', '400', '401', '404', '405', '415', '431']),
    );
    expect(result.goodSpans).toBeGreaterThan(REQUESTS / 100);
    expect(result.rssPeakBytes).toBeLessThan(400 * 1024 * 1024);
    expect(receiver.counts.exits).toBe(0);
    expect(await receiver.terminate()).toBe(0);
    expect(receiver.complaints.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
  },
  20_000 + REQUESTS * 10,
);
