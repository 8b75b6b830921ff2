/** Retention: no day goes before its books are proven right, and nothing but the day goes. */
import type { Pool } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { audit } from '../../receiver/derive/audit.ts';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { rebuild } from '../../receiver/derive/rebuild.ts';
import { retain } from '../../receiver/derive/retention.ts';
import { auditDay, dropDay } from '../../receiver/derive/seal_day.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { createDays, ledgerRow, mixedRun, writeRows } from '../helpers/ledger_writer.ts';
import {
  CLEAN,
  countOf,
  itemAt,
  keepFrom,
  readBooks,
  readFloor,
  readSeals,
  writeRuns,
} from '../helpers/retention_runs.ts';

let database: TestDatabase;
let owner: Pool;

beforeEach(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 8 });
  await createDays(owner, '2026-03-01', '2026-03-03');
});
afterEach(async () => {
  await owner.end();
  await database.drop();
});

const FIRST_DAY = `ts < '2026-03-02 00:00+00'`;

describe('a day that is past retention', () => {
  it('goes after its runs are derived and sealed, with its bytes stated; runs, counters and other days stay', async () => {
    await writeRuns(owner);
    await deriveDue(owner, { all: true });
    await writeRows(owner, [itemAt('2026-03-01 11:00:00+00', 13)]);
    const firstDay = await countOf(owner, 'public.run_event_logs', FIRST_DAY);
    const others = await countOf(owner, 'public.run_event_logs', `not ${FIRST_DAY}`);
    const result = await retain(owner, keepFrom('2026-03-02'));
    expect(result).toMatchObject({ ...CLEAN, kept_from: '2026-03-02', stopped: null, days_dropped: 1, runs_sealed: 4 });
    expect(result.days).toEqual([{ day: '2026-03-01', events: firstDay, runs_sealed: 4, bytes: result.bytes }]);
    expect(result.bytes).toBeGreaterThan(8192);
    expect(await readFloor(owner)).toBe('2026-03-02');
    expect(await countOf(owner, 'public.run_event_logs')).toBe(others);
    expect(await countOf(owner, 'pg_class', `relname = 'events_20260301'`)).toBe(0);
    expect(await countOf(owner, 'public.enrichment_runs', 'derived_at is not null')).toBe(4);
    const late = await owner.query(
      'select count_total, duration_samples from public.run_stage_stats where run_id = 13',
    );
    expect(late.rows).toEqual([{ count_total: 2, duration_samples: 2 }]);
    expect(await audit(owner)).toMatchObject({ ...CLEAN, runs_checked: 0, runs_sealed: 4 });
  });

  it('leaves counters as they were, and derive and rebuild refuse its runs', async () => {
    await writeRuns(owner);
    await deriveDue(owner, { all: true });
    const before = await readBooks(owner);
    await retain(owner, keepFrom('2026-03-02'));
    await owner.query(`insert into runledger.dirty_runs values (1, 11, now(), now(), 1)`);
    expect((await deriveDue(owner, { all: true })).outcomes).toMatchObject({ derived: 0, dropped: 1 });
    expect(await rebuild(owner)).toEqual({ runs_rebuilt: 0, runs_refused: 4, changes: [] });
    expect(await readBooks(owner)).toEqual(before);
  });

  it('a second run finds nothing more, and a floor that moved never moves back', async () => {
    await writeRuns(owner);
    await retain(owner, keepFrom('2026-03-02'));
    const seals = await readSeals(owner);
    expect(await retain(owner, keepFrom('2026-03-02'))).toMatchObject({ ...CLEAN, days: [], bytes: 0, runs_sealed: 0 });
    expect(await retain(owner, { ...keepFrom('2026-03-02'), eventRetentionDays: 300 })).toMatchObject({ days: [] });
    expect(await readFloor(owner)).toBe('2026-03-02');
    expect(await readSeals(owner)).toEqual(seals);
    await owner.query(`select runledger.drop_day('2026-02-01')`);
    expect(await readFloor(owner)).toBe('2026-03-02');
  });

  it('moves the floor even where no day had events, so that such a day is never made again', async () => {
    await retain(owner, keepFrom('2026-01-10'));
    expect(await readFloor(owner)).toBe('2026-01-10');
    await expect(owner.query(`select runledger.ensure_partition('2026-01-09')`)).rejects.toMatchObject({
      code: 'RL001',
    });
  });

  it('a dry run says the same and changes nothing', async () => {
    await writeRuns(owner);
    await deriveDue(owner, { all: true });
    const before = [await readBooks(owner), await countOf(owner, 'public.run_event_logs')];
    const said = await retain(owner, { ...keepFrom('2026-03-03'), dryRun: true });
    expect([await readBooks(owner), await countOf(owner, 'public.run_event_logs')]).toEqual(before);
    expect([await readFloor(owner), await readSeals(owner)]).toEqual(['2000-01-01', []]);
    const done = await retain(owner, keepFrom('2026-03-03'));
    expect(said.days).toHaveLength(2);
    expect(said.days.map(({ day, events, bytes }) => [day, events, bytes])).toEqual(
      done.days.map(({ day, events, bytes }) => [day, events, bytes]),
    );
  });
});

describe('a run that spans the floor', () => {
  it('keeps an exact seal while late events of the kept days move its counters, to its last day', async () => {
    await writeRuns(owner);
    await retain(owner, keepFrom('2026-03-02'));
    await writeRows(owner, [
      itemAt('2026-03-02 23:00:00+00', 11),
      ...mixedRun(1, 12, 9).filter((row) => row.ts > '2026-03-02'),
    ]);
    await writeRows(owner, [
      ledgerRow({ tenant_id: 1, run_id: 13, kind: 'vendor_call', vendor: 'new', ts: '2026-03-03 01:00+00' }),
    ]);
    expect(await audit(owner)).toMatchObject({ ...CLEAN, runs_sealed: 4 });
    expect(await retain(owner, keepFrom('2026-03-03'))).toMatchObject({ ...CLEAN, days_dropped: 1, runs_sealed: 3 });
    expect(await retain(owner, keepFrom('2026-03-04'))).toMatchObject({ ...CLEAN, days_dropped: 1, runs_sealed: 1 });
    expect(await countOf(owner, 'public.run_event_logs')).toBe(0);
    expect(await audit(owner)).toMatchObject({ ...CLEAN, runs_checked: 0, runs_sealed: 4 });
  });

  it.each([
    'update public.run_stage_stats set count_total = count_total + 1 where run_id = 12',
    'update public.run_stage_stats set cost_usd = cost_usd + 0.000000000001 where run_id = 12 and stage = $$crawl$$',
    'update public.run_vendor_usage set calls = calls + 1 where run_id = 12',
    'update public.run_metrics set added_value = added_value + 1 where run_id = 12 and added_value is not null',
    'update public.enrichment_runs set stored_items = stored_items - 1 where run_id = 12',
    'update public.enrichment_runs set first_event_at = first_event_at - interval $$1 microsecond$$ where run_id = 12',
    'delete from public.run_vendor_usage where run_id = 12',
    'delete from public.enrichment_runs where run_id = 12',
    'insert into public.run_stage_stats (tenant_id, run_id, stage, count_error) values (1, 12, $$ghost$$, 1)',
  ])('audit sees it after the seal: %s', async (tampering) => {
    await writeRuns(owner);
    await retain(owner, keepFrom('2026-03-02'));
    await owner.query(tampering);
    expect((await audit(owner)).sealed_difference).toBe(1);
    expect((await audit(owner, { tenantId: 1, runId: 12 })).sealed_difference).toBe(1);
    expect(await audit(owner, { tenantId: 2 })).toMatchObject({ runs_sealed: 1, sealed_difference: 0 });
  });

  it('changed after its seal, does not hold up later days for ever, and the difference is kept', async () => {
    await writeRuns(owner);
    await retain(owner, keepFrom('2026-03-02'));
    await owner.query('update public.run_stage_stats set count_total = count_total + 1 where run_id = 12');
    expect(await retain(owner, keepFrom('2026-03-03'))).toMatchObject({ days_dropped: 1, sealed_difference: 1 });
    expect((await audit(owner)).sealed_difference).toBe(1);
  });
});

describe('a day whose books are wrong', () => {
  it.each([
    'update public.run_stage_stats set count_total = count_total + 1 where tenant_id = 2',
    'update public.enrichment_runs set first_event_at = $$2026-03-03$$ where tenant_id = 2',
    'update public.enrichment_runs set first_event_at = $$1999-03-03$$ where tenant_id = 2',
    'update public.enrichment_runs set first_event_at = null where tenant_id = 2',
    'delete from public.enrichment_runs where tenant_id = 2',
  ])('stays, and so do later ones, until rebuild has counted again: %s', async (tampering) => {
    await writeRuns(owner);
    await owner.query(tampering);
    const events = await countOf(owner, 'public.run_event_logs');
    const result = await retain(owner, keepFrom('2026-03-03'));
    expect(result.difference).toBeGreaterThan(0);
    expect(result).toMatchObject({ days_dropped: 0, stopped: { day: '2026-03-01', reason: 'difference' } });
    expect(result.stopped?.differences.length).toBeGreaterThan(0);
    expect(result.stopped?.differences.map(({ tenant_id, run_id }) => [tenant_id, run_id])).toContainEqual([2, 11]);
    expect([await countOf(owner, 'public.run_event_logs'), await readSeals(owner)]).toEqual([events, []]);
    expect((await readFloor(owner)) < '2026-03-02').toBe(true);
    // Rebuild leaves a run alone that seems to be older than the floor; a time that is wrong that way is set right by hand.
    await owner.query(`update public.enrichment_runs set first_event_at = null where first_event_at < '2000-01-01'`);
    await rebuild(owner);
    expect(await retain(owner, keepFrom('2026-03-03'))).toMatchObject({ ...CLEAN, days_dropped: 2, stopped: null });
  });

  it('is not dropped by hand either: the function wants every run sealed and unchanged', async () => {
    await writeRuns(owner);
    await expect(owner.query(`select runledger.drop_day('2026-03-01')`)).rejects.toMatchObject({ code: 'RL003' });
    const { runs } = await auditDay(owner, '2026-03-01');
    await writeRows(owner, [itemAt('2026-03-01 12:00:00+00', 13)]);
    await expect(dropDay(owner, '2026-03-01', runs, new Date())).rejects.toMatchObject({ code: 'RL003' });
    const now = await auditDay(owner, '2026-03-01');
    await writeRows(owner, [itemAt('2026-03-01 12:00:00+00', 14)]);
    await expect(dropDay(owner, '2026-03-01', now.runs, new Date())).rejects.toMatchObject({ code: 'RL003' });
    expect([await readFloor(owner), await readSeals(owner)]).toEqual(['2000-01-01', []]);
    expect((await audit(owner)).difference).toBe(0);
  });
});

describe('side tables', () => {
  it('lose what is past its own age, and keep the rest', async () => {
    const options = keepFrom('2026-03-03');
    const ago = (days: number) => new Date((options.now?.getTime() ?? 0) - days * 86_400_000);
    const sample =
      'insert into public.qa_samples (tenant_id, run_id, company_id, bucket, created_at) values (1, 1, $1, $2, $3)';
    await owner.query(sample, [1, 'High', ago(89)]);
    await owner.query(sample, [2, 'High', ago(91)]);
    const binding = 'insert into runledger.trace_bindings values (1, $1, 1, $2, $3)';
    await owner.query(binding, ['kept', 5, ago(10)]);
    await owner.query(binding, ['gone', 5, ago(60)]);
    await owner.query(binding, ['long', 6, ago(60)]);
    await owner.query(`insert into public.enrichment_runs (tenant_id, run_id, last_event_at) values (1, 6, $1)`, [
      ago(1),
    ]);
    const refusal = `insert into runledger.refusals values (1, $1, 'future', 1)`;
    await owner.query(refusal, [ago(364)]);
    await owner.query(refusal, [ago(367)]);
    const counts = { qa_samples: 1, trace_bindings: 1, refusals: 1 };
    expect(await retain(owner, { ...options, dryRun: true })).toMatchObject(counts);
    expect(await retain(owner, options)).toMatchObject(counts);
    expect(await retain(owner, options)).toMatchObject({ qa_samples: 0, trace_bindings: 0, refusals: 0 });
    expect((await owner.query('select company_id from public.qa_samples')).rows).toEqual([{ company_id: 1 }]);
    const left = await owner.query('select trace_id from runledger.trace_bindings order by 1');
    expect(left.rows).toEqual([{ trace_id: 'kept' }, { trace_id: 'long' }]);
    expect(await countOf(owner, 'runledger.refusals')).toBe(1);
  });

  it('a QA sample stays as long as its run can still be derived, or it would be drawn again', async () => {
    const options = { ...keepFrom('2026-03-03'), qaRetentionDays: 1 };
    const sample =
      'insert into public.qa_samples (tenant_id, run_id, company_id, bucket, created_at) values (1, 1, $1, $2, $3)';
    await owner.query(sample, [1, 'High', '2026-03-03 01:00+00']);
    await owner.query(sample, [2, 'High', '2026-03-02 23:00+00']);
    expect(await retain(owner, options)).toMatchObject({ qa_samples: 1 });
    expect((await owner.query('select company_id from public.qa_samples')).rows).toEqual([{ company_id: 1 }]);
  });
});
