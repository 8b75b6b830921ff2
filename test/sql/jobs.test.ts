import pg, { type Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { abandonSilentRuns } from '../../receiver/derive/abandon.ts';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { isJobName, JOBS, type JobDeps, type JobLog } from '../../receiver/derive/jobs.ts';
import { type Scheduler, startJobs } from '../../receiver/derive/scheduler.ts';
import { createPool, retrying } from '../../receiver/store/pool.ts';
import { loadSql } from '../../receiver/store/sql.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { createDays, ledgerRow, mixedRun, writeRows } from '../helpers/ledger_writer.ts';

let database: TestDatabase;
let owner: Pool;
let deps: JobDeps & { logged: { level: string; message: string }[]; calls: string[] };

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 4 });
  await createDays(owner, '2026-03-01', '2026-03-03');
});
beforeEach(async () => {
  for (const table of ['run_event_logs', 'enrichment_runs', 'run_stage_stats', 'run_vendor_usage', 'run_metrics']) {
    await owner.query(`delete from public.${table}`);
  }
  await owner.query('delete from runledger.dirty_runs');
  deps = jobDeps();
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

function jobDeps(): typeof deps {
  const logged: { level: string; message: string }[] = [];
  const calls: string[] = [];
  const at = (level: string) => (_: object, message: string) => void logged.push({ level, message });
  const log: JobLog = { info: at('info'), warn: at('warn'), error: at('error') };
  const counted = (name: string) => async () => calls.push(name);
  return {
    pool: owner,
    log,
    writer: { sweepParked: counted('sweep'), expireParked: counted('expire') },
    ensurePartitions: counted('partitions'),
    // The rows of these tests are of a fixed day, which no clock makes old.
    eventRetentionDays: 36_500,
    qaRetentionDays: 36_500,
    links: { publicUrl: 'http://127.0.0.1:8080', jaegerUiUrl: null },
    logged,
    calls,
  };
}

const NOW = new Date('2026-03-02T12:00:00Z');
const minutesLater = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000);
const ITEM = { tenant_id: 1, run_id: 7, kind: 'item' as const, ts: '2026-03-01 10:00:00+00' };

async function readStatus(runId = 7) {
  const sql = 'select status, state from public.enrichment_runs where run_id = $1';
  return (await owner.query(sql, [runId])).rows[0];
}

describe('abandon_silent_runs', () => {
  it('takes runs that were silent for half an hour of server time, and only running ones', async () => {
    await writeRows(owner, [ledgerRow(ITEM)], { now: NOW });
    await writeRows(owner, [ledgerRow({ ...ITEM, run_id: 8 })], { now: NOW, status: 'succeeded' });
    await writeRows(owner, [ledgerRow({ ...ITEM, run_id: 9 })], { now: minutesLater(5) });
    await owner.query(`insert into public.enrichment_runs (tenant_id, run_id, status) values (1, 10, 'running')`);
    expect(await abandonSilentRuns(owner, minutesLater(30))).toBe(0);
    expect(await abandonSilentRuns(owner, minutesLater(31))).toBe(1);
    expect(await readStatus(7)).toEqual({ status: 'abandoned', state: 'running' });
    expect((await readStatus(8)).status).toBe('succeeded');
    expect((await readStatus(9)).status).toBe('running');
    expect((await readStatus(10)).status).toBe('running');
  });

  it('run twice changes nothing more, and the run is derived as one that has ended', async () => {
    await writeRows(owner, [ledgerRow(ITEM)], { now: NOW });
    await deriveDue(owner, { all: true });
    expect(await abandonSilentRuns(owner, minutesLater(40))).toBe(1);
    const dirty = 'select due_at, changes from runledger.dirty_runs';
    const marked = (await owner.query(dirty)).rows;
    expect(marked).toEqual([{ due_at: new Date(minutesLater(40).getTime() + 30_000), changes: 1 }]);
    expect(await abandonSilentRuns(owner, minutesLater(41))).toBe(0);
    expect((await owner.query(dirty)).rows).toEqual(marked);
  });

  it('loses to a signal that is received while it looks', async () => {
    await writeRows(owner, [ledgerRow(ITEM)], { now: NOW });
    let abandoning: Promise<number> = Promise.resolve(-1);
    await writeRows(owner, [ledgerRow(ITEM)], {
      now: minutesLater(45),
      beforeCommit: async () => {
        abandoning = abandonSilentRuns(owner, minutesLater(45));
        await waitForLockWait();
      },
    });
    expect(await abandoning).toBe(0);
    expect((await readStatus()).status).toBe('running');
  });

  it('is corrected by the next signal', async () => {
    await writeRows(owner, [ledgerRow(ITEM)], { now: NOW });
    await abandonSilentRuns(owner, minutesLater(31));
    await writeRows(owner, [ledgerRow(ITEM)], { now: minutesLater(32) });
    expect((await readStatus()).status).toBe('running');
    await abandonSilentRuns(owner, minutesLater(63));
    expect((await readStatus()).status).toBe('abandoned');
    await writeRows(owner, [ledgerRow(ITEM)], { now: minutesLater(64), status: 'succeeded' });
    expect((await readStatus()).status).toBe('succeeded');
  });

  it('takes as many as there are', async () => {
    await owner.query(
      `insert into public.enrichment_runs (tenant_id, run_id, last_received_at)
       select 1 + i % 3, i, $1 from generate_series(1, 1200) i`,
      [NOW],
    );
    expect(await abandonSilentRuns(owner, minutesLater(31))).toBe(1200);
  });
});

describe('jobs by name', () => {
  it('each runs twice with the same end and says what it did as JSON', async () => {
    await writeRows(owner, mixedRun(1, 7, 4), { status: 'succeeded', now: NOW });
    for (const turn of [1, 2]) {
      for (const [name, job] of Object.entries(JOBS)) {
        const result = await job(deps);
        expect(JSON.parse(JSON.stringify(result)), `${name}, turn ${turn}`).toEqual(result);
      }
    }
    expect(deps.calls).toEqual(['sweep', 'expire', 'partitions', 'sweep', 'expire', 'partitions']);
    expect((await owner.query('select 1 from runledger.dirty_runs')).rows).toEqual([]);
  });

  it('knows its own names only', () => {
    expect(isJobName('derive_due')).toBe(true);
    expect(isJobName('toString')).toBe(false);
  });

  it('audit tells a difference as an error', async () => {
    await writeRows(owner, mixedRun(1, 7, 4), { now: NOW });
    expect(await JOBS.audit(deps)).toMatchObject({ difference: 0 });
    await owner.query('update public.run_vendor_usage set calls = calls + 1');
    expect(await JOBS.audit(deps)).toMatchObject({ difference: 2 });
    expect(deps.logged.map(({ level }) => level)).toEqual(['info', 'error']);
  });
});

describe('the scheduler', () => {
  let superuser: pg.Pool;
  // A clone of a database has no rights of its own on the database; migrate gives them again at every start.
  beforeAll(async () => {
    superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 3 });
    await superuser.query(loadSql('roles/database'));
  });
  afterAll(() => superuser.end());

  const schedulers: Scheduler[] = [];
  const start = async () => {
    const scheduler = await startJobs({ ...deps, databaseUrl: database.databaseUrl });
    schedulers.push(scheduler);
    return scheduler;
  };
  const stopAll = () => Promise.all(schedulers.splice(0).map((scheduler) => scheduler.stop()));

  it('makes its schema as the owner, runs jobs that are added in SQL, derives due runs, and stops', async () => {
    await start();
    try {
      const schema = `select nspowner::regrole::text as owner from pg_namespace where nspname = 'graphile_worker'`;
      expect((await owner.query(schema)).rows).toEqual([{ owner: 'runledger_owner' }]);
      await owner.query(`select graphile_worker.add_job('sweep_parked', '{}'::json)`);
      await until(() => deps.calls.includes('sweep'));
    } finally {
      await stopAll();
    }
    const left = `select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
      and query ilike '%graphile%' and state <> 'idle'`;
    expect((await owner.query(left)).rows).toEqual([]);
    expect(deps.logged.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('two start at once in one database, and share the due runs', async () => {
    await owner.query('drop schema if exists graphile_worker cascade');
    try {
      await writeRows(owner, [...mixedRun(1, 7, 4), ...mixedRun(2, 7, 5)], { now: new Date(Date.now() - 60_000) });
      await Promise.all([start(), start()]);
      const derived = 'select 1 from public.enrichment_runs where derived_at is not null';
      await until(async () => (await owner.query(derived)).rows.length === 2);
    } finally {
      await stopAll();
    }
  });

  it('is back after the database ended all its sessions', async () => {
    await start();
    try {
      const sessions = `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and application_name = 'runledger_owner'`;
      await superuser.query(sessions);
      // The test's own pool lost its sessions too.
      await retrying(5, () => writeRows(owner, mixedRun(1, 7, 4), { now: new Date(Date.now() - 60_000) }));
      const derived = 'select 1 from public.enrichment_runs where derived_at is not null';
      await until(async () => (await owner.query(derived)).rows.length === 1);
      await owner.query(`select graphile_worker.add_job('expire_parked', '{}'::json)`);
      await until(() => deps.calls.includes('expire'));
    } finally {
      await stopAll();
    }
  });

  it('is back after the connection broke during the first look for jobs', async () => {
    await start();
    await stopAll();
    const blocker = await superuser.connect();
    await blocker.query('begin; lock table graphile_worker._private_tasks in access exclusive mode');
    try {
      await start();
      await waitForLockWait();
      await superuser.query(
        `select pg_terminate_backend(pid) from pg_locks l join pg_stat_activity a using (pid)
         where not l.granted and a.datname = current_database()`,
      );
      await blocker.query('rollback');
      await retrying(5, () => owner.query(`select graphile_worker.add_job('expire_parked', '{}'::json)`));
      await until(() => deps.calls.includes('expire'));
    } finally {
      await blocker.query('rollback');
      blocker.release();
      await stopAll();
    }
  });

  it('says why when it cannot start, and leaves nothing open', async () => {
    const databaseUrl = new URL(database.databaseUrl);
    databaseUrl.pathname = '/no_such_database';
    await expect(startJobs({ ...deps, databaseUrl: databaseUrl.href })).rejects.toMatchObject({ code: '3D000' });
  });
});

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Until a session of this database waits for a lock. */
function waitForLockWait(): Promise<void> {
  return until(async () => {
    const { rows } = await owner.query(
      `select 1 from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database()`,
    );
    return rows.length > 0;
  });
}
