/** Retention beside writers, resends, readers, rebuild, a second receiver and kills: nothing is lost, and the end is always the same. */
import pg, { type Pool } from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { audit } from '../../receiver/derive/audit.ts';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { rebuild } from '../../receiver/derive/rebuild.ts';
import { retain } from '../../receiver/derive/retention.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { openLedger } from '../helpers/ledger.ts';
import { createDays, writeRows } from '../helpers/ledger_writer.ts';
import { int, requestWith, span, text, traceBody } from '../helpers/otlp.ts';
import { CLEAN, countOf, itemAt, keepFrom, readBooks, readFloor, writeRuns } from '../helpers/retention_runs.ts';

let database: TestDatabase;
let owner: Pool;
let superuser: Pool;

beforeEach(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 8 });
  superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 2 });
  superuser.on('error', () => undefined);
  await createDays(owner, '2026-03-01', '2026-03-03');
});
afterEach(async () => {
  await owner.end();
  await superuser.end();
  await database.drop();
});

const FIRST_DAY = `ts < '2026-03-02 00:00+00'`;

it('a resend for a dropped day is refused as too old, makes no partition and changes nothing', async () => {
  const ledger = await openLedger(database.databaseUrl);
  try {
    const bodyOf = (day: number) => {
      const startUs = Date.UTC(2026, 2, day, 12) * 1000;
      const attributes = [int('runledger.run.id', 77), text('runledger.stage', 'crawl'), int('company.id', 5)];
      const one = span({
        traceId: 'ab'.repeat(16),
        spanId: `${day}`.repeat(16),
        startUs,
        endUs: startUs + 1000,
        attributes,
      });
      return traceBody(requestWith(one), 'protobuf');
    };
    for (const day of [1, 2]) expect((await ledger.sendAs(1, bodyOf(day), 'protobuf')).accepted).toBe(1);
    expect(await retain(owner, keepFrom('2026-03-02'))).toMatchObject({ ...CLEAN, days_dropped: 1 });
    const before = await readBooks(owner);
    for (const turn of [1, 2]) {
      const answer = await ledger.sendAs(1, bodyOf(1), 'protobuf');
      expect([turn, answer.accepted, answer.rejected]).toEqual([turn, 0, 1]);
    }
    expect((await ledger.sendAs(1, bodyOf(2), 'protobuf')).accepted).toBe(1);
    expect(await readBooks(owner)).toEqual(before);
    expect(await countOf(owner, 'pg_class', `relname = 'events_20260301'`)).toBe(0);
    const refused = await owner.query(
      `select sum(spans)::int as spans from runledger.refusals where reason = 'too_old'`,
    );
    expect(refused.rows[0]?.spans).toBeGreaterThanOrEqual(2);
    expect(await audit(owner)).toMatchObject(CLEAN);
  } finally {
    await ledger.close();
  }
});

it('writers to the day and to others go on meanwhile, and what is committed is counted and sealed', async () => {
  await writeRuns(owner);
  let dropped = false;
  let written = 0;
  const write = async (runId: number) => {
    for (let i = 0; !dropped; i++) {
      await writeRows(owner, [itemAt(`2026-03-02 12:00:00.${100_000 + i}+00`, runId)]);
      written++;
      if (i % 60 === 0) await writeOldDay(runId, i);
    }
  };
  // The writer of the test makes no partitions: an insert into a day that is gone fails.
  const writeOldDay = async (runId: number, i: number) => {
    try {
      await writeRows(owner, [itemAt(`2026-03-01 12:00:00.${100_000 + i}+00`, runId)]);
      written++;
    } catch (error) {
      expect(error).toMatchObject({ code: '23514' });
    }
  };
  const before = (await owner.query('select sum(count_total)::int as n from public.run_stage_stats')).rows[0]?.n;
  const writing = Promise.all([write(11), write(21)]);
  let result = await retain(owner, keepFrom('2026-03-02'));
  while (result.stopped !== null) {
    expect(result.stopped.reason).toBe('busy');
    result = await retain(owner, keepFrom('2026-03-02'));
  }
  dropped = true;
  await writing;
  expect(written).toBeGreaterThan(2);
  const after = (await owner.query('select sum(count_total)::int as n from public.run_stage_stats')).rows[0]?.n;
  expect(after - before).toBe(written);
  expect(await audit(owner)).toMatchObject(CLEAN);
  expect(await readFloor(owner)).toBe('2026-03-02');
});

it('two receivers drop the same days once', async () => {
  await writeRuns(owner);
  const events = await countOf(owner, 'public.run_event_logs');
  const results = await Promise.all([1, 2, 3].map(() => retain(owner, keepFrom('2026-03-03'))));
  expect(results.map(({ stopped }) => stopped)).toEqual([null, null, null]);
  expect(results.reduce((sum, result) => sum + result.events, 0)).toBe(events);
  expect((await owner.query('select sum(events)::int as n from runledger.sealed_runs')).rows).toEqual([{ n: events }]);
  expect(await audit(owner)).toMatchObject({ ...CLEAN, runs_sealed: 4 });
});

it('waits for a rebuild that is half-way, which else would count what is left of the events', async () => {
  await writeRuns(owner);
  await deriveDue(owner, { all: true });
  const before = await readBooks(owner);
  const blocker = await owner.connect();
  await blocker.query('begin; select 1 from public.enrichment_runs where run_id = 12 for update');
  const rebuilding = rebuild(owner, { tenantId: 1, runId: 12 });
  const waiters = `pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database()`;
  while ((await superuser.query(`select 1 from ${waiters}`)).rows.length === 0);
  const retaining = retain(owner, keepFrom('2026-03-02'));
  // Both wait: rebuild for the run, retention for the floor that rebuild holds.
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(await readFloor(owner)).toBe('2000-01-01');
  await blocker.query('rollback');
  blocker.release();
  await Promise.all([rebuilding, retaining]);
  expect(await readFloor(owner)).toBe('2026-03-02');
  expect(await readBooks(owner)).toEqual(before);
  expect(await audit(owner)).toMatchObject(CLEAN);
});

it('waits for an open reader of the day and lets it finish', async () => {
  await writeRuns(owner);
  const reader = await superuser.connect();
  await reader.query('begin; select count(*) from public.run_event_logs');
  const retaining = retain(owner, keepFrom('2026-03-02'));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { rows } = await reader.query(
    `select count(*)::int > 0 as there from public.run_event_logs where ${FIRST_DAY}`,
  );
  expect(rows).toEqual([{ there: true }]);
  await reader.query('commit');
  reader.release();
  expect(await retaining).toMatchObject({ ...CLEAN, days_dropped: 1, stopped: null });
});

it('killed anywhere, ends as if it had not been, once it has run again', async () => {
  await writeRuns(owner);
  await deriveDue(owner, { all: true });
  const before = await readBooks(owner);
  const events = await countOf(owner, 'public.run_event_logs');
  let kills = 0;
  let done = false;
  const killing = (async () => {
    while (!done) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
      const sql = `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name = 'runledger_owner' and state <> 'idle'`;
      kills += (await superuser.query(sql)).rowCount ?? 0;
      if (kills >= 25) return;
    }
  })();
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      const result = await retain(owner, keepFrom('2026-03-03'));
      if (result.stopped === null && kills >= 5) break;
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
    }
  }
  done = true;
  await killing;
  expect(await retain(owner, keepFrom('2026-03-03'))).toMatchObject({ ...CLEAN, stopped: null });
  expect(kills).toBeGreaterThan(0);
  expect(await readBooks(owner)).toEqual(before);
  expect((await owner.query('select sum(events)::int as n from runledger.sealed_runs')).rows).toEqual([{ n: events }]);
  expect(await audit(owner)).toMatchObject({ ...CLEAN, runs_sealed: 4 });
  expect(await readFloor(owner)).toBe('2026-03-03');
});
