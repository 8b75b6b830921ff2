/** The rule about the ledger itself: what was refused, waits, is incomplete, could not be delivered or differs. */
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { recordAudit } from '../../receiver/derive/audit_record.ts';
import { JOBS } from '../../receiver/derive/jobs.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { clearRuns, findingsOf, override, seedRun } from '../helpers/alert_runs.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

let database: TestDatabase;
let owner: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 2 });
});
beforeEach(() => clearRuns(owner));
afterAll(async () => {
  await owner.end();
  await database.drop();
});

const at = (time: string) => `2026-11-20T${time}:00Z`;
const NOON = at('12:00');

describe('ingest', () => {
  const refuse = (tenant: number, day: string, reason: string, spans: number) =>
    owner.query('insert into runledger.refusals values ($1, $2, $3, $4)', [tenant, day, reason, spans]);
  const park = (tenant: number, span: string, parkedAt: string) =>
    owner.query("insert into runledger.parked_spans values ($1, 't', $3, $2, 1, 'no_run_yet', null, '{}', $3)", [
      tenant,
      span,
      parkedAt,
    ]);
  const told = async (asOf = NOON) =>
    (await findingsOf(owner, 'ingest_health', asOf)).map(({ tenantId, subject, numbers }) => [
      tenantId,
      subject,
      numbers.value,
    ]);

  const addEvent = async () => {
    await owner.query("select runledger.ensure_partition('2026-11-20')");
    await owner.query(
      `insert into run_event_logs (tenant_id, run_id, ts, stage, event, status, span_id, trace_id, seq, kind)
       values (7, 1, '2026-11-20T03:00Z', 'run', 'start', 'ok', '1', '', 0, 'run')`,
    );
  };

  beforeEach(async () => {
    await owner.query('delete from run_event_logs');
    await owner.query('insert into runledger.tenants (tenant_id) values (7), (8) on conflict do nothing');
  });

  it('adds refusals of today and yesterday per tenant and reason, conflicts by their own limit', async () => {
    await refuse(7, '2026-11-18', 'future', 100);
    await refuse(7, '2026-11-19', 'future', 2);
    await refuse(7, '2026-11-20', 'future', 3);
    await refuse(8, '2026-11-20', 'too_old', 1);
    await refuse(0, '2026-11-20', 'no_tenant', 4);
    await refuse(0, '2026-11-20', 'conflict', 5);
    expect(await told()).toEqual([
      [0, 'conflicts', 5],
      [0, 'refused:no_tenant', 4],
      [7, 'refused:future', 5],
      [8, 'refused:too_old', 1],
    ]);
    await override(owner, 'ingest_health', { refused_above: 5 });
    await override(owner, 'ingest_health', { conflicts_above: 5 }, { tenant: 0 });
    expect(await told()).toEqual([
      [0, 'refused:no_tenant', 4],
      [8, 'refused:too_old', 1],
    ]);
    expect(await told('2026-11-22T00:00:00Z')).toEqual([]);
  });

  it('tells spans that wait for their run longer than an hour', async () => {
    await park(7, 'a', at('10:59'));
    await park(7, 'b', at('10:30'));
    await park(7, 'c', at('11:00'));
    await park(0, 'd', at('11:30'));
    expect(await findingsOf(owner, 'ingest_health', NOON)).toMatchObject([
      {
        tenantId: 7,
        subject: 'parked',
        numbers: { value: 2, limit_minutes: 60, oldest_minutes: 90, reasons: 'no_run_yet' },
      },
    ]);
  });

  it('tells a run that lacks what its sender ended, per pipeline, until a complete one; not stated is not incomplete', async () => {
    const runId = await seedRun(owner, at('03:00'), { sent: { items: 10, stored: 8 } });
    await seedRun(owner, at('03:00'), { pipeline: 'weekly' });
    expect(await findingsOf(owner, 'ingest_health', NOON)).toMatchObject([
      {
        subject: 'incomplete',
        pipeline: 'nightly',
        runId,
        numbers: { value: 8, limit: 10, missing_items: 2, dropped_by_sender: 0 },
      },
    ]);
    await seedRun(owner, at('05:00'), { sent: { items: 10, stored: 10 } });
    expect(await told()).toEqual([]);
  });

  it('tells a channel whose messages died since the last that went through', async () => {
    await owner.query(
      "insert into runledger.alert_channels (tenant_id, channel, kind, url) values (0, 'ops', 'slack', 'https://hooks.example/x')",
    );
    const deliver = (state: string, finishedAt: string) =>
      owner.query(
        `insert into runledger.alert_deliveries (tenant_id, alert_id, channel_tenant_id, channel, event, event_at, message, state,
           next_attempt_at, created_at, finished_at, last_error) values (7, 1, 0, 'ops', 'fired', $2, '{}', $1, $2, $2, $2, 'HTTP 500')`,
        [state, finishedAt],
      );
    await deliver('dead', at('01:00'));
    await deliver('sent', at('02:00'));
    expect(await told()).toEqual([]);
    await deliver('dead', at('03:00'));
    await deliver('dead', at('04:00'));
    expect(await findingsOf(owner, 'ingest_health', NOON)).toMatchObject([
      { tenantId: 0, subject: 'delivery:ops', numbers: { value: 2, last_error: 'HTTP 500' } },
    ]);
    expect(await told(at('02:30'))).toEqual([]);
    await deliver('sent', at('05:00'));
    expect(await told()).toEqual([]);
  });

  it('tells what the last audit of each job found, and is over with the next clean one', async () => {
    const clean = { difference: 0, runs_checked: 9, runs_sealed: 1, sealed_difference: 0 };
    const now = () => new Date(Date.now() + 1000).toISOString();
    await recordAudit(owner, 'audit', { ...clean, difference: 3 });
    await recordAudit(owner, 'retention', clean);
    expect(await findingsOf(owner, 'ingest_health', now())).toMatchObject([
      { tenantId: 0, subject: 'audit', numbers: { value: 3, difference: 3, sealed_difference: 0, job: 'audit' } },
    ]);
    await recordAudit(owner, 'audit', { ...clean, sealed_difference: 2 });
    expect((await findingsOf(owner, 'ingest_health', now()))[0]?.numbers).toMatchObject({
      value: 2,
      sealed_difference: 2,
    });
    await recordAudit(owner, 'audit', clean);
    expect(await told(now())).toEqual([]);
  });

  it('hears of a counter that differs from its events by the audit job, and of a dry run of retention nothing', async () => {
    const nothing = async () => 0;
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const deps = {
      pool: owner,
      log,
      writer: { sweepParked: nothing, expireParked: nothing },
      ensurePartitions: nothing,
      eventRetentionDays: 30,
      qaRetentionDays: 90,
      links: { publicUrl: 'http://127.0.0.1:8080', jaegerUiUrl: null },
    };
    await seedRun(owner, at('03:00'), { stages: { crawl: { total: 3 } } });
    await JOBS.audit(deps);
    await JOBS.retention({ ...deps, dryRun: true });
    const sql = 'select job, difference, runs_checked from runledger.audit_results';
    const { rows } = await owner.query<{ job: string; difference: number; runs_checked: number }>(sql);
    expect(rows).toEqual([{ job: 'audit', difference: expect.any(Number), runs_checked: 1 }]);
    expect(rows[0]?.difference).toBeGreaterThan(0);
    expect((await told(new Date(Date.now() + 1000).toISOString())).map(([, subject]) => subject)).toEqual(['audit']);
    await clearRuns(owner);
    await JOBS.audit(deps);
    await JOBS.retention(deps);
    expect((await owner.query(`${sql} order by job`)).rows).toEqual([
      { job: 'audit', difference: 0, runs_checked: 0 },
      { job: 'retention', difference: 0, runs_checked: 0 },
    ]);
  });

  it('tells that no audit ran for two days, once there are events to audit, and is over with the next one', async () => {
    const hour = 3_600_000;
    const audit = (hoursAgo: number, job = 'audit') =>
      owner.query('insert into runledger.audit_results values ($1, $2, 0, 1, 0, 0)', [
        new Date(Date.parse(NOON) - hoursAgo * hour),
        job,
      ]);
    await audit(49);
    await audit(1, 'retention');
    expect(await told()).toEqual([]);
    await addEvent();
    expect(await findingsOf(owner, 'ingest_health', NOON)).toMatchObject([
      {
        tenantId: 0,
        subject: 'audit_missing',
        severity: 'warn',
        numbers: { value: 49, limit: 48, last_audit_at: '2026-11-18T11:00:00Z' },
      },
    ]);
    expect(await told(at('10:59'))).toEqual([]);
    await override(owner, 'ingest_health', { audit_hours: 50 }, { tenant: 0 });
    expect(await told()).toEqual([]);
    await override(owner, 'ingest_health', { audit_hours: null }, { tenant: 0 });
    expect(await told('2026-12-20T12:00:00Z')).toEqual([]);
    await owner.query('delete from runledger.alert_overrides');
    await audit(0);
    expect(await told()).toEqual([]);
  });

  it('tells of an installation that never audited, two days after it was made and not before', async () => {
    await addEvent();
    const { rows } = await owner.query<{ created_at: Date }>(
      'select created_at from runledger.tenants where tenant_id = 0',
    );
    const hoursOn = (hours: number) => new Date((rows[0]?.created_at.getTime() ?? 0) + hours * 3_600_000).toISOString();
    expect(await told(hoursOn(47))).toEqual([]);
    expect(await findingsOf(owner, 'ingest_health', hoursOn(50.5))).toMatchObject([
      { subject: 'audit_missing', numbers: { value: 50, last_audit_at: null } },
    ]);
  });

  it('keeps audits for 400 days', async () => {
    const clean = { difference: 0, runs_checked: 0, runs_sealed: 0, sealed_difference: 0 };
    await owner.query(
      "insert into runledger.audit_results values (now() - interval '401 days', 'audit', 0, 0, 0, 0), (now() - interval '399 days', 'audit', 0, 0, 0, 0)",
    );
    await recordAudit(owner, 'audit', clean);
    expect((await owner.query('select count(*)::int as n from runledger.audit_results')).rows).toEqual([{ n: 2 }]);
  });

  it('says nothing of disabled tenants', async () => {
    await refuse(7, '2026-11-20', 'future', 3);
    await park(7, 'a', at('01:00'));
    await owner.query("update runledger.tenants set status = 'disabled' where tenant_id = 7");
    expect(await told()).toEqual([]);
  });
});
