/** Senders that name unknown tenants without end make the database hear of it about once a second, and no tenant that is registered is missed. */

import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createIngest } from '../../receiver/ingest.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createSnapshotSource, type SnapshotSource } from '../../receiver/store/snapshot.ts';
import { registerTenants } from '../../receiver/store/tenants.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { int, requestWith, span, text, traceBody } from '../helpers/otlp.ts';

let database: TestDatabase;
let pool: pg.Pool;
let source: SnapshotSource;
let looks: number;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_ingest', maxConnections: 4 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  const counting = {
    query: (...asked: Parameters<pg.Pool['query']>) => {
      if (String(asked[0]).includes('fingerprint')) looks++;
      return pool.query(...asked);
    },
  };
  source = await createSnapshotSource(counting as unknown as pg.Pool, { linkHosts: [] });
  looks = 0;
});
afterEach(() => source.close());

/** The look of the clock every two seconds may fall into any span of time. */
const byClock = (elapsedMs: number) => Math.ceil(elapsedMs / 2_000);

test('a thousand that ask at once share two looks', async () => {
  const beganMs = performance.now();
  await Promise.all(Array.from({ length: 1_000 }, () => source.readSince(performance.now())));
  expect(looks).toBeLessThanOrEqual(2 + byClock(performance.now() - beganMs));
  expect(looks).toBeGreaterThan(0);
});

test('four that ask one after the other, as fast as they can, take four looks and three seconds', async () => {
  const beganMs = performance.now();
  for (let n = 0; n < 4; n++) await source.readSince(performance.now());
  const elapsedMs = performance.now() - beganMs;
  expect(looks).toBeLessThanOrEqual(4 + byClock(elapsedMs));
  // Timers are never early by more than a millisecond; a look by the clock may have answered one of them.
  expect(elapsedMs).toBeGreaterThan(1_900);
});

test('a tenant that was registered before is known to whoever asks afterwards, amid all others that ask', async () => {
  const stopped = new AbortController();
  const noise = Array.from({ length: 20 }, async () => {
    while (!stopped.signal.aborted) await source.readSince(performance.now());
  });
  for (let n = 0; n < 4; n++) {
    const tenants = await registerTenants(pool, [`acme-${n}`]);
    await source.readSince(performance.now());
    expect(source.current().activeTenantIds.has(tenants.get(`acme-${n}`) ?? 0)).toBe(true);
  }
  stopped.abort();
  await Promise.all(noise);
});

test('a request of many chunks looks once for all that it names', async () => {
  const ingest = createIngest({
    writer: { write: async () => [] },
    snapshot: () => source.current(),
    registerTenants: null,
    refreshTenants: (arrivedMs) => source.readSince(arrivedMs),
  });
  const spans = Array.from({ length: 4_000 }, (_, n) =>
    span({
      spanId: (n + 1).toString(16).padStart(16, '0'),
      startUs: Date.now() * 1000 - 1000,
      endUs: Date.now() * 1000,
      attributes: [
        text('runledger.kind', 'run'),
        int('runledger.tenant.id', 50_000 + n),
        text('runledger.run.id', `r${n}`),
      ],
    }),
  );
  const beganMs = performance.now();
  const result = await ingest.traces(traceBody(requestWith(...spans), 'protobuf'), 'protobuf', { kind: 'ingest' });
  expect(result).toMatchObject({ accepted: 0, rejected: 4_000 });
  expect(result.message).toContain('unknown_tenant');
  expect(looks).toBeLessThanOrEqual(1 + byClock(performance.now() - beganMs));
});

test('a database that does not answer is said to those who asked, and the next one asks again', async () => {
  const failing = { isAway: false };
  const away = {
    query: (...asked: Parameters<pg.Pool['query']>) =>
      failing.isAway ? Promise.reject(new Error('away')) : pool.query(...asked),
  };
  const other = await createSnapshotSource(away as unknown as pg.Pool, { linkHosts: [] });
  failing.isAway = true;
  const asked = await Promise.allSettled([other.readSince(performance.now()), other.readSince(performance.now())]);
  expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  failing.isAway = false;
  await other.readSince(performance.now());
  other.close();
});
