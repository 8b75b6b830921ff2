import pg, { type Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { audit } from '../../receiver/derive/audit.ts';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { deriveRun } from '../../receiver/derive/derive_run.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { loadSql } from '../../receiver/store/sql.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { createDays, type LedgerRow, ledgerRow, mixedRun, sequence, writeRows } from '../helpers/ledger_writer.ts';
import { killWaiting, waitForLockWait, whileLocked } from '../helpers/lock_waits.ts';

let database: TestDatabase;
let owner: Pool;
let ingest: Pool;
let superuser: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 8 });
  ingest = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_ingest', maxConnections: 2 });
  superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 2 });
  await createDays(owner, '2026-03-01', '2026-03-03');
});
beforeEach(async () => {
  const tables = 'run_event_logs enrichment_runs run_stage_stats run_vendor_usage run_metrics'.split(' ');
  for (const table of tables) await owner.query(`delete from public.${table}`);
  await owner.query('delete from runledger.dirty_runs');
});
afterAll(async () => {
  await Promise.all([owner.end(), ingest.end(), superuser.end()]);
  await database.drop();
});

const RUN = { tenantId: 1, runId: 7 };
const NOW = new Date('2026-03-02T12:00:00Z');
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);

/** Exact percentile in integers: hundredths of a millisecond between the two ranks, rounded half up at the end. */
function percentile(durations: number[], percent: number): number {
  const sorted = durations.map(BigInt).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const hundredths = BigInt(percent) * BigInt(sorted.length - 1);
  const rank = Number(hundredths / 100n);
  const low = sorted[rank] ?? 0n;
  const high = sorted[rank + 1] ?? low;
  return Number((low * 100n + (high - low) * (hundredths % 100n) + 50n) / 100n);
}

function expected(rows: LedgerRow[]) {
  const durations = rows.filter(({ status }) => status !== 'skip').flatMap(({ duration_ms }) => duration_ms ?? []);
  if (durations.length === 0) return { p50_ms: 0, p95_ms: 0, p99_ms: 0, duration_samples: 0 };
  const [p50_ms, p95_ms, p99_ms] = [50, 95, 99].map((percent) => percentile(durations, percent));
  return { p50_ms, p95_ms, p99_ms, duration_samples: durations.length };
}

async function readStage(stage = 'crawl') {
  const { rows } = await owner.query(
    `select p50_ms, p95_ms, p99_ms, duration_samples, duration_class from public.run_stage_stats
     where tenant_id = 1 and run_id = 7 and stage = $1`,
    [stage],
  );
  return rows[0];
}

async function readDirty() {
  const { rows } = await owner.query('select due_at, first_at, changes from runledger.dirty_runs');
  return rows;
}

function items(count: number, seed: number, durationBelow: number): LedgerRow[] {
  const next = sequence(seed);
  return Array.from({ length: count }, () =>
    ledgerRow({
      tenant_id: 1,
      run_id: 7,
      kind: 'item',
      ts: `2026-03-0${1 + next(2)} 10:00:00.${100_000 + next(900_000)}+00`,
      status: (['ok', 'error', 'skip'] as const)[next(3)] ?? 'ok',
      duration_ms: next(12) === 0 ? null : next(durationBelow),
    }),
  );
}

describe('percentiles', () => {
  it('equal an independent computation, whatever the number and spread of durations', async () => {
    for (const [index, count] of [1, 2, 3, 4, 7, 20, 21, 99, 100, 101, 333].entries()) {
      for (const below of [2, 11, 5_000, 2_000_000_000]) {
        await owner.query('delete from public.run_event_logs');
        const rows = items(count, 31 * index + below, below);
        await writeRows(owner, rows, { status: 'succeeded' });
        await deriveDue(owner, { all: true });
        expect(await readStage(), `${count} below ${below}`).toMatchObject(expected(rows));
      }
    }
  });

  it('round half up where floating point falls just below the half', async () => {
    const durations = [0, 5, 10];
    const rows = durations.map((duration_ms) =>
      ledgerRow({ tenant_id: 1, run_id: 7, kind: 'item', ts: '2026-03-01 10:00:00+00', duration_ms }),
    );
    await writeRows(owner, rows);
    await deriveDue(owner, { all: true });
    expect(await readStage()).toMatchObject({ p50_ms: 5, p95_ms: 10, p99_ms: 10 });
    expect(percentile(durations, 95)).toBe(10);
  });

  it('are over items, else vendor calls, else the spans of the stage, and skipped items do not count', async () => {
    const at = { tenant_id: 1, run_id: 7, ts: '2026-03-01 10:00:00+00' };
    const stageOf = (stage: string) => [
      ledgerRow({ ...at, stage, kind: 'stage', seq: 0, event: 'start' }),
      ledgerRow({ ...at, stage, kind: 'stage', duration_ms: 900 }),
    ];
    await writeRows(owner, [
      ...['by_item', 'by_call', 'by_stage', 'none']
        .flatMap(stageOf)
        .filter((row) => row.stage !== 'none' || row.seq === 0),
      ledgerRow({ ...at, stage: 'by_item', kind: 'item', duration_ms: 100 }),
      ledgerRow({ ...at, stage: 'by_item', kind: 'item', duration_ms: 50_000, status: 'skip' }),
      ledgerRow({ ...at, stage: 'by_item', kind: 'vendor_call', duration_ms: 30 }),
      ledgerRow({ ...at, stage: 'by_call', kind: 'item' }),
      ledgerRow({ ...at, stage: 'by_call', kind: 'vendor_call', duration_ms: 30, status: 'error' }),
    ]);
    await deriveDue(owner, { all: true });
    expect(await readStage('by_item')).toMatchObject({ p50_ms: 100, duration_samples: 1, duration_class: 'item' });
    expect(await readStage('by_call')).toMatchObject({
      p50_ms: 30,
      duration_samples: 1,
      duration_class: 'vendor_call',
    });
    expect(await readStage('by_stage')).toMatchObject({ p50_ms: 900, duration_samples: 1, duration_class: 'stage' });
    expect(await readStage('none')).toMatchObject({ p50_ms: 0, duration_samples: 0, duration_class: null });
    const { rows } = await owner.query('select p50_ms, p95_ms, duration_samples from public.run_vendor_usage');
    expect(rows).toEqual([{ p50_ms: 30, p95_ms: 30, duration_samples: 2 }]);
  });

  it('become exact again after late rows, and see the last microsecond of the run', async () => {
    const first = items(50, 5, 900);
    await writeRows(owner, first, { status: 'succeeded' });
    await deriveDue(owner, { all: true });
    const late = ledgerRow({
      ...items(1, 6, 9)[0],
      tenant_id: 1,
      run_id: 7,
      kind: 'item',
      ts: '2026-03-02 23:59:59.999999+00',
    });
    const rows = [...first, { ...late, status: 'ok' as const, duration_ms: 100_000 }];
    await writeRows(owner, rows.slice(-1));
    await deriveDue(owner, { all: true });
    expect(await readStage()).toMatchObject(expected(rows));
    expect(await readDirty()).toEqual([]);
  });

  it('never touch a counter', async () => {
    await writeRows(owner, mixedRun(1, 7, 9), { status: 'succeeded' });
    await owner.query(
      'update public.run_stage_stats set count_total = 12345; update public.run_vendor_usage set calls = 12345',
    );
    const before = (await audit(owner)).differences;
    await deriveDue(owner, { all: true });
    expect((await audit(owner)).differences).toEqual(before);
  });
});

describe('degraded', () => {
  const at = { tenant_id: 1, run_id: 7, kind: 'stage' as const, ts: '2026-03-01 10:00:00+00' };
  const read = async () => (await owner.query('select degraded, derived_at from public.enrichment_runs')).rows[0];

  it.each([
    ['succeeded', 'error', true],
    ['succeeded', 'ok', false],
    ['failed', 'error', false],
    ['running', 'error', false],
  ] as const)('a run %s with a stage %s: %s', async (status, stageStatus, degraded) => {
    await writeRows(owner, [ledgerRow({ ...at, status: stageStatus })], { status });
    await deriveDue(owner, { all: true, now: NOW });
    expect(await read()).toEqual({ degraded, derived_at: NOW });
  });

  it('holds what the run said, and goes when the stage is good after all', async () => {
    await writeRows(owner, [ledgerRow({ ...at, status: 'error' })], { status: 'succeeded' });
    await deriveDue(owner, { all: true });
    await writeRows(owner, [ledgerRow({ ...at, ts: '2026-03-01 11:00:00+00' })], { status: 'succeeded' });
    await deriveDue(owner, { all: true });
    expect(await read()).toMatchObject({ degraded: false });
    await owner.query('update public.enrichment_runs set state_degraded = true');
    await writeRows(owner, [ledgerRow({ ...at, ts: '2026-03-01 12:00:00+00' })], { status: 'succeeded' });
    await deriveDue(owner, { all: true });
    expect(await read()).toMatchObject({ degraded: true });
  });
});

describe('when a run is due', () => {
  /** Marks run 7 as ingest does. */
  const mark = (terminal: boolean, ended: boolean, now: Date, changes = 1) =>
    ingest.query(loadSql('queries/write/mark_dirty'), [[1], [7], [changes], [terminal], [ended], now]);

  it.each([
    ['running: ten seconds', false, false, 10],
    ['its end was received: thirty seconds', true, true, 30],
    ['a late row: sixty seconds', true, false, 60],
  ])('%s', async (_, terminal, ended, seconds) => {
    await mark(terminal, ended, NOW, 3);
    expect(await readDirty()).toEqual([{ due_at: later(seconds), first_at: NOW, changes: 3 }]);
  });

  it('a running run does not wait longer because more comes', async () => {
    await mark(false, false, NOW);
    await mark(false, false, later(8), 4);
    expect(await readDirty()).toEqual([{ due_at: later(10), first_at: NOW, changes: 5 }]);
  });

  it('late rows move the wait of a terminal run, up to ten minutes in all', async () => {
    await mark(true, true, NOW);
    for (let seconds = 20; seconds <= 2_000; seconds += 20) {
      await mark(true, false, later(seconds));
      const [row] = await readDirty();
      if (seconds <= 540) expect(row?.due_at).toEqual(later(seconds + 60));
    }
    const [row] = await readDirty();
    expect(row?.due_at.getTime()).toBeLessThanOrEqual(later(600).getTime());
    expect(row).toMatchObject({ first_at: NOW, changes: 101 });
  });

  it('one run named twice in a group counts as one', async () => {
    const parameters = [[1, 1], [7, 7], [2, 3], [false, true], [false, true], NOW];
    await ingest.query(loadSql('queries/write/mark_dirty'), parameters);
    expect(await readDirty()).toEqual([{ due_at: later(30), first_at: NOW, changes: 5 }]);
  });

  it('nothing is derived before, and the wait starts anew after a derive', async () => {
    await writeRows(owner, items(5, 1, 100), { now: NOW });
    expect((await deriveDue(owner, { now: later(9) })).outcomes.derived).toBe(0);
    expect((await deriveDue(owner, { now: later(10) })).outcomes.derived).toBe(1);
    await mark(true, false, later(20));
    expect(await readDirty()).toEqual([{ due_at: later(80), first_at: later(20), changes: 1 }]);
  });

  it('a running run of more than 200,000 events is derived once a minute', async () => {
    await writeRows(owner, items(3, 1, 100), { now: NOW });
    await owner.query('update public.enrichment_runs set stored_items = 200001, derived_at = $1', [NOW]);
    expect((await deriveDue(owner, { now: later(15) })).outcomes).toMatchObject({ early: 1, derived: 0 });
    expect((await readDirty())[0].due_at).toEqual(later(60));
    expect((await deriveDue(owner, { now: later(60) })).outcomes.derived).toBe(1);
  });

  it('a run below the retention floor is left as it is, and no longer asked for', async () => {
    await writeRows(owner, items(5, 1, 100), { status: 'succeeded' });
    await owner.query('update public.run_stage_stats set p50_ms = 77');
    await owner.query(`update runledger.retention set floor_day = '2026-03-04'`);
    try {
      expect((await deriveDue(owner, { all: true })).outcomes).toMatchObject({ dropped: 1, derived: 0 });
      expect(await readStage()).toMatchObject({ p50_ms: 77 });
      expect(await readDirty()).toEqual([]);
    } finally {
      await owner.query(`update runledger.retention set floor_day = '2000-01-01'`);
    }
  });
});

describe('beside writers and other derives', () => {
  it('a row stored while it computes keeps the run dirty, and the next derive has it', async () => {
    const first = items(20, 3, 100);
    await writeRows(owner, first, { status: 'succeeded', now: NOW });
    const late = items(20, 4, 100_000);
    // The writer holds the run row when derive has computed and wants it, so it commits in between for certain.
    let deriving: Promise<unknown> = Promise.resolve();
    await writeRows(owner, late, {
      now: NOW,
      beforeCommit: async () => {
        deriving = deriveRun(owner, RUN, { now: later(60), force: true });
        await waitForLockWait(owner);
      },
    });
    expect(await deriving).toBe('changed');
    expect(await readStage()).toMatchObject(expected(first));
    expect(await readDirty()).toMatchObject([{ changes: 40, first_at: later(60), due_at: later(70) }]);
    expect(await deriveRun(owner, RUN, { now: later(70), force: false })).toBe('derived');
    expect(await readStage()).toMatchObject(expected([...first, ...late]));
  });

  it('a derive that dies before its commit has changed nothing and is made up for', async () => {
    const rows = items(20, 3, 100);
    await writeRows(owner, rows, { status: 'succeeded' });
    await whileLocked(owner, 'run_id = 7', async () => {
      const deriving = deriveRun(owner, RUN, { now: new Date(), force: true });
      const [outcome] = await Promise.allSettled([deriving, waitForLockWait(owner).then(() => killWaiting(superuser))]);
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: '57P01' } });
    });
    expect(await readStage()).toMatchObject({ p50_ms: 0, duration_samples: 0 });
    expect(await readDirty()).toHaveLength(1);
    expect((await deriveDue(owner, { all: true })).outcomes.derived).toBe(1);
    expect(await readStage()).toMatchObject(expected(rows));
  });

  it('two derives of one run take turns instead of overwriting each other', async () => {
    await writeRows(owner, items(20, 3, 100), { status: 'succeeded' });
    let first: Promise<unknown> = Promise.resolve();
    await whileLocked(owner, 'run_id = 7', async () => {
      first = deriveRun(owner, RUN, { now: new Date(), force: true });
      await waitForLockWait(owner);
      expect(await deriveRun(owner, RUN, { now: new Date(), force: true })).toBe('busy');
    });
    expect(await first).toBe('derived');
    expect(await deriveRun(owner, RUN, { now: new Date(), force: true })).toBe('clean');
  });

  it('a run that cannot be derived waits and does not stop the others', async () => {
    for (let runId = 1; runId <= 5; runId++) {
      await writeRows(owner, [ledgerRow({ tenant_id: 1, run_id: runId, kind: 'item', ts: '2026-03-01 10:00:00+00' })], {
        now: NOW,
      });
    }
    const { outcomes, failures } = await whileLocked(owner, 'run_id = 3', () => deriveDue(owner, { now: later(20) }));
    expect(outcomes.derived).toBe(4);
    expect(failures).toMatchObject([{ run: { tenantId: 1, runId: 3 }, error: { code: '55P03' } }]);
    expect(await readDirty()).toMatchObject([{ due_at: later(50) }]);
    expect((await deriveDue(owner, { now: later(50) })).outcomes.derived).toBe(1);
  });

  it('several receivers share the due runs and end with every run exact', async () => {
    const runs = Array.from({ length: 60 }, (_, index) => mixedRun(1 + (index % 3), 100 + index, index, 3));
    await writeRows(owner, runs.flat(), { status: 'succeeded', now: NOW });
    const results = await Promise.all([1, 2, 3].map(() => deriveDue(owner, { now: later(40) })));
    expect(results.flatMap(({ failures }) => failures)).toEqual([]);
    expect(results.reduce((sum, { outcomes }) => sum + outcomes.derived, 0)).toBe(60);
    expect(await readDirty()).toEqual([]);
    const { rows } = await owner.query(
      'select count(*)::int as stages from public.run_stage_stats where duration_samples > 0',
    );
    expect(rows).toEqual([{ stages: 120 }]);
  });

  it('random writers, derives and killed derives end where one ordered delivery ends', async () => {
    const rows = Array.from({ length: 30 }, (_, index) => items(4, 500 + index, 4_000));
    const queue = rows.values();
    let writing = 2;
    const write = async () => {
      for (const group of queue) await writeRows(owner, group);
      writing--;
    };
    const derive = async (kill: boolean) => {
      for (let turn = 0; writing > 0; turn++) {
        const deriving = deriveDue(owner, { all: true });
        if (kill && turn % 2 === 0) {
          await superuser.query(
            `select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and query like '%percentile%' and pid <> pg_backend_pid()`,
          );
        }
        await deriving.catch(() => undefined);
      }
    };
    await Promise.all([write(), write(), derive(false), derive(true)]);
    await deriveDue(owner, { all: true });
    expect(await readStage()).toMatchObject(expected(rows.flat()));
    expect(await readDirty()).toEqual([]);
    expect((await audit(owner)).difference).toBe(0);
  });
});
