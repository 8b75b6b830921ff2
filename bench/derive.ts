/**
 * How long derive, audit and rebuild take for one run of 100,000 and one of 1,000,000 events, on a durable embedded PostgreSQL of its own.
 * Usage: npx tsx bench/derive.ts [events ...]. Prints one JSON line per size; seconds are of this machine only.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { audit } from '../receiver/derive/audit.ts';
import { deriveDue } from '../receiver/derive/derive_due.ts';
import { rebuild } from '../receiver/derive/rebuild.ts';
import { startEmbedded } from '../receiver/embedded/start.ts';
import { migrate } from '../receiver/store/migrate.ts';
import { createPool } from '../receiver/store/pool.ts';

const SIZES = [100_000, 1_000_000];
const TRIES = 3;

/** Items and vendor calls in turn over five stages and four vendors, in one day, durations with a long tail. */
const INSERT_EVENTS = `
insert into public.run_event_logs (tenant_id, run_id, stage, company_id, kind, seq, ts, span_id, event, status, duration_ms, trace_id,
  vendor, calls, units_total, units_success, cost_usd, tokens_input, tokens_output)
select 1, $1, 'stage_' || i % 5, i / 2, case when i % 2 = 0 then 'item' else 'vendor_call' end, 1,
  '2026-03-01 00:00+00'::timestamptz + i * interval '50 milliseconds', lpad(to_hex(i), 16, '0'), 'finish', 'ok',
  (20 / (0.0001 + random()))::int, repeat('a', 32), case when i % 2 = 1 then 'vendor_' || i % 4 end, i % 2, (i + 1) % 2, (i + 1) % 2,
  case when i % 2 = 1 then 0.000123 * (i % 17) end, i % 2 * 800, i % 2 * 90
from generate_series(1, $2::int) i`;

async function measure(owner: Pool, runId: number, events: number): Promise<void> {
  await owner.query(INSERT_EVENTS, [runId, events]);
  await owner.query('analyze public.run_event_logs');
  // The events were stored behind the counters, so the first rebuild makes all of them: its longest case.
  const rebuildSeconds = await seconds(() => rebuild(owner, { tenantId: 1, runId }));
  const deriveSeconds: number[] = [];
  const auditSeconds: number[] = [];
  for (let attempt = 0; attempt < TRIES; attempt++) {
    await rebuild(owner, { tenantId: 1, runId });
    deriveSeconds.push(await seconds(() => deriveDue(owner, { all: true })));
    auditSeconds.push(await seconds(() => auditEqual(owner, runId)));
  }
  const result = {
    events,
    derive_s: median(deriveSeconds),
    audit_s: median(auditSeconds),
    audit_all_s: await seconds(() => audit(owner)),
    rebuild_s: rebuildSeconds,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

async function auditEqual(owner: Pool, runId: number): Promise<void> {
  const { difference, runs_checked } = await audit(owner, { tenantId: 1, runId });
  if (difference !== 0 || runs_checked !== 1)
    throw new Error(`audit: difference ${difference} in ${runs_checked} runs`);
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return Math.round(performance.now() - start) / 1000;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function main(): Promise<void> {
  const given = process.argv.slice(2).map(Number);
  const folder = await mkdtemp(join(tmpdir(), 'runledger-bench-'));
  const server = await startEmbedded({ dataDir: folder, log: () => undefined });
  const { databaseUrl } = server;
  const owner = createPool({ databaseUrl, role: 'runledger_owner', maxConnections: 4, statementTimeoutMs: 0 });
  try {
    await migrate({ databaseUrl });
    await owner.query(`select runledger.ensure_partitions('2026-03-01', '2026-03-02')`);
    let runId = 0;
    for (const events of given.length > 0 ? given : SIZES) await measure(owner, ++runId, events);
  } finally {
    await owner.end();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

await main();
