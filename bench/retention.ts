/**
 * How long retention takes to audit, seal and drop one day of events, and what the drop alone takes, on a durable embedded PostgreSQL of its
 * own. Usage: npx tsx bench/retention.ts [events] [runs]. Prints one JSON line; seconds are of this machine only.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rebuild } from '../receiver/derive/rebuild.ts';
import { auditDay, dropDay } from '../receiver/derive/seal_day.ts';
import { startEmbedded } from '../receiver/embedded/start.ts';
import { migrate } from '../receiver/store/migrate.ts';
import { createPool } from '../receiver/store/pool.ts';

const DAY = '2026-03-01';

/** Items and vendor calls in turn over five stages and four vendors, run after run, all in one day. */
const INSERT_EVENTS = `
insert into public.run_event_logs (tenant_id, run_id, stage, company_id, kind, seq, ts, span_id, event, status, duration_ms, trace_id,
  vendor, calls, units_total, units_success, cost_usd, tokens_input, tokens_output)
select 1, 1 + i / ($2::int / $3::int), 'stage_' || i % 5, i / 2, case when i % 2 = 0 then 'item' else 'vendor_call' end, 1,
  '2026-03-01 00:00+00'::timestamptz + i * interval '5 milliseconds', lpad(to_hex(i), 16, '0'), 'finish', 'ok',
  (20 / (0.0001 + random()))::int, repeat('a', 32), case when i % 2 = 1 then 'vendor_' || i % 4 end, i % 2, (i + 1) % 2, (i + 1) % 2,
  case when i % 2 = 1 then 0.000123 * (i % 17) end, i % 2 * 800, i % 2 * 90
from generate_series($1::int, $2::int - 1) i`;

async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; result: T }> {
  const start = performance.now();
  const result = await work();
  return { seconds: Math.round(performance.now() - start) / 1000, result };
}

async function main(): Promise<void> {
  const [events = 1_000_000, runs = 100] = process.argv.slice(2).map(Number);
  const folder = await mkdtemp(join(tmpdir(), 'runledger-bench-'));
  const server = await startEmbedded({ dataDir: folder, log: () => undefined });
  const { databaseUrl } = server;
  const owner = createPool({ databaseUrl, role: 'runledger_owner', maxConnections: 4, statementTimeoutMs: 0 });
  try {
    await migrate({ databaseUrl });
    await owner.query(`select runledger.ensure_partitions('2026-02-20', '2026-03-20')`);
    await owner.query(INSERT_EVENTS, [0, events, runs]);
    await owner.query('vacuum analyze public.run_event_logs');
    // The events were stored behind the counters.
    await rebuild(owner);
    const audit = await timed(() => auditDay(owner, DAY));
    if (audit.result.difference !== 0) throw new Error(`audit: difference ${audit.result.difference}`);
    const drop = await timed(() => dropDay(owner, DAY, audit.result.runs, new Date()));
    const line = { events, runs, audit_s: audit.seconds, seal_and_drop_s: drop.seconds, bytes: drop.result };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  } finally {
    await owner.end();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

await main();
