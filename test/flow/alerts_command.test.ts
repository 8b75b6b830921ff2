/** `runledger alerts` and `runledger schedule` as child processes: what operators see, what is refused, and a test message that really arrives. */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPool } from '../../receiver/store/pool.ts';
import { CLI_PROGRAM } from '../helpers/cli_program.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { startTarget } from '../helpers/hostile_server.ts';

// Every command is a process of its own, which on a busy machine takes seconds to start.
vi.setConfig({ testTimeout: 180_000 });
let database: TestDatabase;
let owner: Pool;
let folder: string;

beforeAll(async () => {
  database = await createTestDatabase();
  folder = mkdtempSync(join(tmpdir(), 'runledger-alerts-'));
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 2 });
  await owner.query("insert into runledger.tenants (tenant_id, name) values (7, 'acme')");
});
afterAll(async () => {
  await owner.end();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

function runledger(...args: string[]): Promise<Outcome> {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, DATABASE_URL: database.databaseUrl, RUNLEDGER_DATA_DIR: folder };
  const child = spawn(process.execPath, [...CLI_PROGRAM, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await runledger(...args, '--json');
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as T;
}

describe('an empty ledger', () => {
  it('says what to do instead of showing nothing', async () => {
    expect((await runledger('alerts', 'list')).stdout).toBe('Nothing is firing\n');
    expect((await runledger('alerts', 'simulate')).stdout).toContain('--scenario');
    expect(await runledger('alerts', 'test')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('channel add'),
    });
    expect(await runledger('alerts', 'ack', '5')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('alerts list'),
    });
  });
});

describe('schedules', () => {
  const at = ['--tenant', 'acme', '--environment', 'production'];

  it('are set, changed in part, listed with what is due, expected at once, and removed', async () => {
    const line = await json<{ next: string[]; exceptDays: string[]; runLimitSeconds: number }>(
      ...['schedule', 'set', 'nightly', ...at, '--cron', '0 2 * * *', '--timezone', 'Europe/Berlin', '--limit', '4h'],
    );
    expect(line.next).toHaveLength(3);
    expect((await owner.query('select from runledger.expected_runs')).rowCount).toBeGreaterThanOrEqual(1);
    await json('schedule', 'set', 'nightly', ...at, '--except', '2099-12-25', '--grace', '30m');
    const [listed] = await json<(typeof line)[]>('schedule', 'list');
    expect(listed).toMatchObject({ exceptDays: ['2099-12-25'], runLimitSeconds: 14_400, startGraceSeconds: 1_800 });
    expect((await runledger('schedule', 'remove', 'nightly', ...at)).code).toBe(0);
    expect((await owner.query('select from runledger.expected_runs')).rowCount).toBe(0);
    expect((await runledger('schedule', 'remove', 'nightly', ...at)).code).toBe(1);
  });

  it.each([
    [['--cron', '0 2 * * *', '--timezone', 'Mars/Olympus', '--grace', '1h'], 'Mars/Olympus'],
    [[], '--cron'],
  ])('%j is refused with what to write', async (options, words) => {
    const { code, stderr } = await runledger('schedule', 'set', 'other', '--tenant', 'acme', ...options);
    expect(code).toBe(2);
    expect(stderr).toContain(words);
  });
});

describe('alerts', () => {
  it('are listed in words, acknowledged and snoozed by name, and told apart from what is over', async () => {
    await owner.query(
      `insert into runledger.alerts (tenant_id, rule, code, pipeline, subject, severity, numbers, fired_at, last_bad_at)
       values (7, 'crawl_error_rate', 'CR-02', 'nightly', 'crawl', 'page',
         '{"value": 0.7, "limit": 0.5, "units_in_error": 28, "units": 40}', now(), now())`,
    );
    const list = await runledger('alerts', 'list', '--tenant', 'acme');
    expect(list.stdout).toContain('crawl error rate high: 70 % of 40 units failed, limit 50 %');
    const [alert] = await json<{ alert_id: number; state: string }[]>('alerts', 'list');
    const id = String(alert?.alert_id);
    expect((await runledger('alerts', 'ack', id, '--by', 'ann', '--note', 'looking')).stdout).toContain('acknowledged');
    expect((await runledger('alerts', 'list')).stdout).toContain('acked by ann');
    expect((await runledger('alerts', 'snooze', id, '--for', '2d', '--by', 'ann')).stdout).toContain('snoozed until');
    expect(await runledger('alerts', 'snooze', id, '--for', '90d')).toMatchObject({ code: 2 });
    const acts = await owner.query('select actor, act from runledger.acts order by act_id');
    expect(acts.rows.slice(-2)).toEqual([
      { actor: 'ann', act: 'alert_ack' },
      { actor: 'ann', act: 'alert_snooze' },
    ]);
    await owner.query("update runledger.alerts set state = 'resolved', resolved_at = now()");
    expect(await json<unknown[]>('alerts', 'list')).toEqual([]);
    expect(await json<unknown[]>('alerts', 'list', '--all')).toHaveLength(1);
  });
});

describe('simulate', () => {
  it('refuses a time, rule or step that cannot be, and says when nothing would have fired', async () => {
    await owner.query(
      `insert into public.enrichment_runs (tenant_id, run_id, pipeline, status, started_at, ended_at, last_received_at, derived_at)
       values (7, 11, 'nightly', 'succeeded', '2026-03-01T02:00Z', '2026-03-01T03:00Z', '2026-03-01T03:00Z', now())`,
    );
    expect(await runledger('alerts', 'simulate', '--rule', 'nonsense')).toMatchObject({ code: 2 });
    expect(await runledger('alerts', 'simulate', '--from', 'yesterday')).toMatchObject({ code: 2 });
    expect(await runledger('alerts', 'simulate', '--from', '2026-03-02', '--to', '2026-03-01')).toMatchObject({
      code: 2,
    });
    expect(await runledger('alerts', 'simulate', '--scenario', '--rule', 'CR-02')).toMatchObject({ code: 2 });
    const quiet = await runledger('alerts', 'simulate', '--rule', 'RF-07');
    expect(quiet.stdout).toContain('Nothing would have fired from 2026-03-01 02:00 to 2026-03-01 04:00 UTC');
  });

  it('tells what would have fired, in a table or in full', async () => {
    await owner.query(
      "update public.enrichment_runs set status = 'failed', derived_status = 'failed' where run_id = 11",
    );
    expect((await runledger('alerts', 'simulate', '--rule', 'RF-07')).stdout).toContain('1 fired, 1 open at the end');
    const full = await runledger('alerts', 'simulate', '--rule', 'run_failed', '--messages');
    expect(full.stdout).toContain('http://127.0.0.1:8080/runbooks/RF-07');
    expect(full.stdout).toContain('http://127.0.0.1:8080/ui/runs/7/11');
  });

  it('a login that may not create databases is told so before anything happens', async () => {
    const role = `plain_${database.name}`;
    const superuser = createPool({ databaseUrl: database.superuserUrl, role: 'runledger_owner', maxConnections: 1 });
    try {
      await superuser.query(`reset role; create role ${role} login password 'p'; grant runledger_owner to ${role}`);
      const url = new URL(database.databaseUrl);
      url.username = role;
      url.password = 'p';
      const { code, stderr } = await runledger('--database-url', url.href, 'alerts', 'simulate', '--scenario');
      expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('may not create one') });
    } finally {
      await superuser.query(`reset role; revoke runledger_owner from ${role}; drop role ${role}`);
      await superuser.end();
    }
  });
});

describe('alerts test', () => {
  it('sends one message to each channel and says what came of it', async () => {
    const good = await startTarget();
    const bad = await startTarget((response) => response.writeHead(500).end());
    try {
      await owner.query(
        `insert into runledger.alert_channels (tenant_id, channel, kind, url, secret, allow_private)
         values (0, 'good', 'webhook', $1, 'k', true), (7, 'bad', 'webhook', $2, 'k', true)`,
        [good.url, bad.url],
      );
      const one = await runledger('alerts', 'test', '--channel', 'good');
      expect(one).toMatchObject({ code: 0, stdout: expect.stringContaining('sent') });
      expect(good.received).toHaveLength(1);
      expect(good.received[0]?.body).toContain('nothing is wrong');
      const both = await runledger('alerts', 'test');
      expect(both).toMatchObject({ code: 1, stdout: expect.stringContaining('will be tried again') });
      expect(bad.received).toHaveLength(1);
      expect(`${both.stdout}${both.stderr}`).not.toContain('SECRET');
    } finally {
      await Promise.all([good.close(), bad.close()]);
    }
  });
});
