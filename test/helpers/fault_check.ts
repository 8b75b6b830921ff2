/**
 * Holds the ledger against what was sent: every acknowledged span is there, every span that is there was sent, each once, under its own run
 * and tenant, and every counter is the sum of what is there. The sums are made here from the load's own numbers.
 */
import pg from 'pg';
import { audit } from '../../receiver/derive/audit.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { type LoadRun, type LoadSpan, rowsOf } from './fault_load.ts';

export interface Verdict {
  spansSent: number;
  spansAcknowledged: number;
  /** Stored although nobody was told so: allowed, once. */
  spansStoredUnacknowledged: number;
  rows: number;
  runs: number;
  /** What is wrong, in words; the first hundred. */
  faults: string[];
  audit: { difference: number; runsChecked: number };
  parkedRows: number;
  deadTuples: number;
}

interface StoredRun {
  run_id: string;
  status: string;
  complete: boolean | null;
  stored_stages: string;
  stored_items: string;
  stored_vendor_calls: string;
}

/** @param url of a superuser; @param untilPlacedMs how long parked rows may take to be placed by the jobs. */
export async function checkLedger(url: string, runs: readonly LoadRun[], untilPlacedMs: number): Promise<Verdict> {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  const owner = createPool({ databaseUrl: url, role: 'runledger_owner', maxConnections: 1 });
  pool.on('error', () => undefined);
  try {
    const verdict = blankVerdict();
    verdict.parkedRows = await waitUntilPlaced(pool, untilPlacedMs);
    if (verdict.parkedRows > 0) verdict.faults.push(`${verdict.parkedRows} rows are still parked`);
    for (const run of runs) await checkRun(pool, run, verdict);
    await checkTotals(pool, verdict);
    await checkAudit(owner, verdict);
    verdict.deadTuples = await countDead(pool);
    verdict.faults.length = Math.min(verdict.faults.length, 100);
    return verdict;
  } finally {
    await pool.end();
    await owner.end();
  }
}

/** Only these runs, where others may be in the ledger too. @returns what is wrong, in words. */
export async function checkRuns(url: string, runs: readonly LoadRun[]): Promise<string[]> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  const owner = createPool({ databaseUrl: url, role: 'runledger_owner', maxConnections: 1 });
  try {
    const verdict = blankVerdict();
    for (const run of runs) await checkRun(pool, run, verdict);
    const { difference, differences } = await audit(owner);
    if (difference !== 0) verdict.faults.push(`audit: ${JSON.stringify(differences.slice(0, 5))}`);
    return verdict.faults;
  } finally {
    await pool.end();
    await owner.end();
  }
}

const blankVerdict = (): Verdict => ({
  spansSent: 0,
  spansAcknowledged: 0,
  spansStoredUnacknowledged: 0,
  rows: 0,
  runs: 0,
  faults: [],
  audit: { difference: 0, runsChecked: 0 },
  parkedRows: 0,
  deadTuples: 0,
});

async function waitUntilPlaced(pool: pg.Pool, withinMs: number): Promise<number> {
  const until = Date.now() + withinMs;
  for (;;) {
    const { rows } = await pool.query<{ n: number }>('select count(*)::int as n from runledger.parked_spans');
    const left = rows[0]?.n ?? 0;
    if (left === 0 || Date.now() > until) return left;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function checkRun(pool: pg.Pool, run: LoadRun, verdict: Verdict): Promise<void> {
  const label = `tenant ${run.tenantId} run ${run.name}`;
  const fault = (text: string) => verdict.faults.push(`${label}: ${text}`);
  const found = await pool.query<StoredRun>(
    `select run_id, status, complete, stored_stages, stored_items, stored_vendor_calls from public.enrichment_runs
     where tenant_id = $1 and coalesce(run_key, run_id::text) = $2`,
    [run.tenantId, run.name],
  );
  const stored = found.rows[0];
  verdict.spansSent += run.spans.length;
  if (stored === undefined || found.rows.length !== 1) {
    if (run.spans.some(({ acknowledged }) => acknowledged)) fault(`${found.rows.length} rows in enrichment_runs`);
    return;
  }
  verdict.runs++;
  const events = await pool.query<{ span_id: string; seqs: number[] }>(
    `select span_id, array_agg(seq order by seq) as seqs from public.run_event_logs where tenant_id = $1 and run_id = $2 group by span_id`,
    [run.tenantId, stored.run_id],
  );
  const seqs = new Map(events.rows.map((row) => [row.span_id, row.seqs]));
  verdict.rows += events.rows.reduce((sum, row) => sum + row.seqs.length, 0);
  const present = run.spans.filter((span) => {
    const own = seqs.get(span.spanId);
    seqs.delete(span.spanId);
    if (span.acknowledged) verdict.spansAcknowledged++;
    if (own === undefined) {
      if (span.acknowledged) fault(`acknowledged ${span.kind} span ${span.spanId} is lost`);
      return false;
    }
    if (own.join() !== rowsOf(span).join()) fault(`span ${span.spanId} has rows ${own} and not ${rowsOf(span)}`);
    if (!span.acknowledged) verdict.spansStoredUnacknowledged++;
    return true;
  });
  for (const spanId of seqs.keys()) fault(`span ${spanId} was never sent`);
  compare(`${label}: run`, [runLine(stored)], [expectedRunLine(run, present)], verdict);
  compare(`${label}: stages`, await stageLines(pool, run, stored.run_id), expectedStages(present), verdict);
  compare(`${label}: vendors`, await vendorLines(pool, run, stored.run_id), expectedVendors(present), verdict);
  compare(`${label}: metrics`, await metricLines(pool, run, stored.run_id), expectedMetrics(present), verdict);
}

function compare(label: string, stored: string[], expected: string[], { faults }: Verdict): void {
  const [left, right] = [new Set(stored), new Set(expected)];
  for (const line of stored) if (!right.has(line)) faults.push(`${label}: stored   ${line}`);
  for (const line of expected) if (!left.has(line)) faults.push(`${label}: expected ${line}`);
}

// Expected -------------------------------------------------------------------------------------------------------------------

const countKind = (spans: readonly LoadSpan[], kind: LoadSpan['kind']) =>
  spans.filter((span) => span.kind === kind).length;

function runLine(row: StoredRun): string {
  return [row.status, row.complete, row.stored_stages, row.stored_items, row.stored_vendor_calls].join(' ');
}

function expectedRunLine(run: LoadRun, present: readonly LoadSpan[]): string {
  const ended = present.some(({ kind }) => kind === 'run');
  const complete = ended ? present.length === run.spans.length : null;
  const counts = (['stage', 'item', 'vendor_call'] as const).map((kind) => countKind(present, kind));
  return [ended ? 'succeeded' : 'running', complete, ...counts].join(' ');
}

function groupBy(spans: readonly LoadSpan[], key: (span: LoadSpan) => string): Map<string, LoadSpan[]> {
  const groups = new Map<string, LoadSpan[]>();
  for (const span of spans) groups.set(key(span), [...(groups.get(key(span)) ?? []), span]);
  return groups;
}

const sum = (spans: readonly LoadSpan[], value: (span: LoadSpan) => number) =>
  spans.reduce((total, span) => total + value(span), 0);

function expectedStages(present: readonly LoadSpan[]): string[] {
  const groups = groupBy(
    present.filter(({ kind }) => kind !== 'run'),
    ({ stage }) => stage,
  );
  return [...groups].map(([stage, spans]) => {
    const units = spans.filter(({ kind }) => kind !== 'vendor_call');
    const failed = units.filter((span) => span.failed).length;
    return [
      stage,
      units.length,
      units.length - failed,
      failed,
      sum(spans, (span) => span.costMicroUsd),
      sum(spans, (span) => span.tokensInput),
      sum(spans, (span) => span.tokensOutput),
      sum(
        spans.filter(({ kind }) => kind === 'stage'),
        (span) => span.durationMs,
      ),
      sum(spans, (span) => span.retries),
    ].join(' ');
  });
}

function expectedVendors(present: readonly LoadSpan[]): string[] {
  const groups = groupBy(
    present.filter(({ kind }) => kind === 'vendor_call'),
    ({ vendor }) => vendor,
  );
  return [...groups].map(([vendor, spans]) =>
    [
      vendor,
      sum(spans, (span) => span.calls),
      sum(spans, (span) => span.errors),
      sum(spans, (span) => span.costMicroUsd),
      sum(spans, (span) => span.hits),
      sum(spans, (span) => span.tokensInput),
      sum(spans, (span) => span.tokensOutput),
    ].join(' '),
  );
}

function expectedMetrics(present: readonly LoadSpan[]): string[] {
  const found = present.filter(({ emailsFound }) => emailsFound > 0);
  return found.length === 0 ? [] : [`emails_found ${sum(found, (span) => span.emailsFound)}`];
}

// Stored ---------------------------------------------------------------------------------------------------------------------

async function lines(pool: pg.Pool, sql: string, run: LoadRun, runId: string): Promise<string[]> {
  const { rows } = await pool.query<{ line: string }>(sql, [run.tenantId, runId]);
  return rows.map(({ line }) => line);
}

const stageLines = (pool: pg.Pool, run: LoadRun, runId: string) =>
  lines(
    pool,
    `select concat_ws(' ', stage, count_total, count_success, count_error, trim_scale(cost_usd * 1000000), tokens_input, tokens_output,
       duration_ms, retry_count) as line from public.run_stage_stats where tenant_id = $1 and run_id = $2`,
    run,
    runId,
  );

const vendorLines = (pool: pg.Pool, run: LoadRun, runId: string) =>
  lines(
    pool,
    `select concat_ws(' ', vendor, calls, errors, trim_scale(cost_usd * 1000000), rate_limit_hits, tokens_input, tokens_output) as line
     from public.run_vendor_usage where tenant_id = $1 and run_id = $2`,
    run,
    runId,
  );

const metricLines = (pool: pg.Pool, run: LoadRun, runId: string) =>
  lines(
    pool,
    `select concat_ws(' ', name, trim_scale(value)) as line from public.run_metrics where tenant_id = $1 and run_id = $2`,
    run,
    runId,
  );

/** Nothing beside the runs that were sent: no row under another tenant or run, no counter without its events, nothing left half open. */
async function checkTotals(pool: pg.Pool, verdict: Verdict): Promise<void> {
  const { rows } = await pool.query<{ what: string; n: number }>(`
    select 'events' as what, count(*)::int as n from public.run_event_logs
    union all select 'runs', count(*)::int from public.enrichment_runs
    union all select 'stage counters without a run', count(*)::int from public.run_stage_stats as s
      where not exists (select from public.enrichment_runs as r where r.tenant_id = s.tenant_id and r.run_id = s.run_id)
    union all select 'vendor counters without a run', count(*)::int from public.run_vendor_usage as s
      where not exists (select from public.enrichment_runs as r where r.tenant_id = s.tenant_id and r.run_id = s.run_id)
    union all select 'metrics without a run', count(*)::int from public.run_metrics as s
      where not exists (select from public.enrichment_runs as r where r.tenant_id = s.tenant_id and r.run_id = s.run_id)
    union all select 'bindings to no run', count(*)::int from runledger.trace_bindings as b
      where not exists (select from public.enrichment_runs as r where r.tenant_id = b.run_tenant_id and r.run_id = b.run_id)
    union all select 'due runs that are not there', count(*)::int from runledger.dirty_runs as d
      where not exists (select from public.enrichment_runs as r where r.tenant_id = d.tenant_id and r.run_id = d.run_id)
    union all select 'refusals', coalesce(sum(spans), 0)::int from runledger.refusals
    union all select 'prepared transactions', count(*)::int from pg_prepared_xacts
    union all select 'transactions left open', count(*)::int from pg_stat_activity
      where datname = current_database() and state like 'idle in transaction%' and now() - xact_start > interval '20 seconds'`);
  const expected: Record<string, number> = { events: verdict.rows, runs: verdict.runs };
  for (const { what, n } of rows) {
    const right = expected[what] ?? 0;
    if (n !== right) verdict.faults.push(`${what}: ${n} instead of ${right}`);
  }
}

async function checkAudit(owner: pg.Pool, verdict: Verdict): Promise<void> {
  const result = await audit(owner);
  verdict.audit = { difference: result.difference, runsChecked: result.runs_checked };
  if (result.difference !== 0) {
    verdict.faults.push(`audit: ${result.difference} differ: ${JSON.stringify(result.differences.slice(0, 5))}`);
  }
  if (result.runs_checked !== verdict.runs) {
    verdict.faults.push(`audit looked at ${result.runs_checked} of ${verdict.runs} runs`);
  }
}

/** After a vacuum nothing of the killed transactions may be left that vacuum cannot remove. */
async function countDead(pool: pg.Pool): Promise<number> {
  const tables = 'public.enrichment_runs, public.run_event_logs, public.run_stage_stats, public.run_vendor_usage';
  await pool.query(`vacuum ${tables}`);
  const { rows } = await pool.query<{ n: number }>(
    `select coalesce(sum(n_dead_tup), 0)::int as n from pg_stat_user_tables
     where relname in ('enrichment_runs', 'run_stage_stats', 'run_vendor_usage') or relname like 'events\\_%'`,
  );
  return rows[0]?.n ?? 0;
}
