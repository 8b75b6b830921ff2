/** A database with work for every job, as a template that each trial clones, and what a database says, so that two end states can be compared. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg, { type Pool } from 'pg';
import { planExpectedRuns } from '../../receiver/derive/alerts/expected_runs.ts';
import { sweepAlerts } from '../../receiver/derive/alerts/sweep.ts';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { ATTR } from '../../sdk/attributes.ts';
import { onDatabase, withClient } from './database_admin.ts';
import { openLedger } from './ledger.ts';
import { createDays, type LedgerRow, ledgerRow, mixedRun, sequence, writeRows } from './ledger_writer.ts';
import { int, requestWith, span, text, traceBody } from './otlp.ts';

const RUNS = 8;
const ITEMS_IN_BUCKETS = 25;
const SILENT_RUNS = 40;
const PARKED_TRACES = 40;
const PARKED_RUN = 900;
const HOUR_MS = 3_600_000;

/** Runs of two tenants over two days of last March that were never derived, silent runs, rows that wait for their run, and rows past their age. */
export async function seedJobs(databaseUrl: string): Promise<void> {
  const owner = createPool({ databaseUrl, role: 'runledger_owner', maxConnections: 2 });
  try {
    await createDays(owner, '2026-03-01', '2026-03-03');
    await seedRuns(owner);
    await seedSilentRuns(owner);
    await seedParked(databaseUrl, owner);
    await seedOldRows(owner);
  } finally {
    await owner.end();
  }
}

async function seedRuns(owner: Pool): Promise<void> {
  const received = new Date(Date.now() - 2 * HOUR_MS);
  for (let index = 0; index < RUNS; index++) {
    const tenantId = 1 + (index % 2);
    const runId = 100 + index;
    const rows = [...mixedRun(tenantId, runId, index + 1, 15), ...bucketItems(tenantId, runId)];
    await writeRows(owner, rows, { status: index % 3 === 2 ? 'failed' : 'succeeded', now: received });
  }
  await owner.query(
    `update public.enrichment_runs set pipeline = 'nightly', environment = 'production', ended_at = last_event_at`,
  );
}

function bucketItems(tenantId: number, runId: number): LedgerRow[] {
  const next = sequence(runId);
  return Array.from({ length: ITEMS_IN_BUCKETS }, (_, index) =>
    ledgerRow({
      tenant_id: tenantId,
      run_id: runId,
      kind: 'item',
      ts: `2026-03-01 11:${10 + index}:00+00`,
      company_id: index,
      bucket: next(5) === 0 ? 'Low' : 'High',
      duration_ms: next(900),
    }),
  );
}

async function seedSilentRuns(owner: Pool): Promise<void> {
  const rows = Array.from({ length: SILENT_RUNS }, (_, index) =>
    ledgerRow({
      tenant_id: 1 + (index % 2),
      run_id: 300 + index,
      kind: 'item',
      ts: '2026-03-02 09:00:00+00',
      duration_ms: 5,
    }),
  );
  await writeRows(owner, rows, { status: 'running', now: new Date(Date.now() - HOUR_MS) });
}

/** Spans without a run, parked by the receiver's own write path; those of bound traces are what a sweep moves. */
async function seedParked(databaseUrl: string, owner: Pool): Promise<void> {
  const endUs = (Date.now() - HOUR_MS) * 1000;
  const day = new Date(endUs / 1000).toISOString().slice(0, 10);
  await createDays(owner, day, day);
  const ledger = await openLedger(databaseUrl);
  try {
    for (let trace = 1; trace <= 2 * PARKED_TRACES; trace++) {
      const tenantId = 1 + (trace % 2);
      const spans = [1, 2, 3].map((item) =>
        span({
          traceId: trace.toString(16).padStart(32, '0'),
          spanId: (trace * 10 + item).toString(16).padStart(16, '0'),
          parentSpanId: 'f'.repeat(16),
          startUs: endUs - 1_000_000,
          endUs,
          attributes: [text(ATTR.kind, 'item'), text(ATTR.stage, 'crawl'), int(ATTR.itemId, item)],
        }),
      );
      await ledger.sendAs(tenantId, traceBody(requestWith(...spans), 'protobuf'), 'protobuf');
    }
  } finally {
    await ledger.close();
  }
  const ts = new Date(endUs / 1000).toISOString();
  const runs = [1, 2].map((tenant_id) => ledgerRow({ tenant_id, run_id: PARKED_RUN, kind: 'item', ts }));
  await writeRows(owner, runs, { status: 'succeeded', now: new Date() });
  await owner.query(
    `insert into runledger.trace_bindings (tenant_id, trace_id, run_tenant_id, run_id, bound_at)
     select distinct tenant_id, trace_id, tenant_id, $1::bigint, now() from runledger.parked_spans where trace_id <= $2`,
    [PARKED_RUN, PARKED_TRACES.toString(16).padStart(32, '0')],
  );
  await owner.query(`update runledger.parked_spans set parked_at = now() - interval '25 hours' where trace_id > $1`, [
    PARKED_TRACES.toString(16).padStart(32, '0'),
  ]);
}

async function seedOldRows(owner: Pool): Promise<void> {
  await owner.query(
    `insert into public.qa_samples (tenant_id, run_id, company_id, bucket, created_at)
     select 1, 50, i, 'High', now() - interval '100 days' from generate_series(1, 200) i;
     insert into runledger.trace_bindings select 1, 'old' || i, 1, 50, now() - interval '40 days' from generate_series(1, 200) i;
     insert into runledger.refusals select 1, current_date - 400 - i, 'future', 1 from generate_series(1, 50) i;
     insert into runledger.alert_deliveries (tenant_id, alert_id, channel_tenant_id, channel, event, event_at, message, state, next_attempt_at,
       created_at, finished_at)
     select 1, i, 0, 'gone-' || i % 40, 'fired', now() - interval '100 days', '{}', case when i <= 200 then 'sent' else 'pending' end,
       now() - interval '1 day', now() - interval '100 days', case when i <= 200 then now() - interval '100 days' end
     from generate_series(1, 400) i`,
  );
}

/**
 * For the jobs of alerts: the same ledger derived, with channels and schedules. With `told`, rules were judged, and
 * the messages wait to be sent. @param channelUrl where a webhook answers 200
 */
export async function seedAlerts(databaseUrl: string, channelUrl: string, told: boolean): Promise<void> {
  const owner = createPool({ databaseUrl, role: 'runledger_owner', maxConnections: 4 });
  try {
    await owner.query(`update runledger.dirty_runs set due_at = now()`);
    // The second time for what the draw of samples changed.
    for (let time = 0; time < 2; time++) await deriveDue(owner, { all: true });
    await owner.query(
      `insert into runledger.alert_channels (tenant_id, channel, kind, url, secret, allow_private)
       values (0, 'ops', 'webhook', $1, 'a-secret-of-the-test', true)`,
      [channelUrl],
    );
    await owner.query(
      // Few messages for the second one: a channel gets one post a second.
      `insert into runledger.alert_channels (tenant_id, channel, kind, url, min_severity, allow_private)
       values (1, 'own', 'webhook', $1, 'page', true)`,
      [channelUrl],
    );
    await owner.query(
      `insert into runledger.schedules (tenant_id, pipeline, environment, cron, created_at)
       select t, p, 'production', '30 2 * * *', now() - interval '3 days'
       from unnest('{1,2}'::int[]) t cross join unnest('{nightly,weekly,hourly}'::text[]) p`,
    );
    if (!told) return;
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    await planExpectedRuns(owner, { log });
    await sweepAlerts(owner, { log, links: { publicUrl: 'http://ledger.example', jaegerUiUrl: null } });
  } finally {
    await owner.end();
  }
}

/** A copy of a database that nobody is connected to, once they have left. @returns its URL */
export async function cloneDatabase(serverUrl: string, template: string, name: string): Promise<string> {
  const sql = `create database ${pg.escapeIdentifier(name)} template ${pg.escapeIdentifier(template)}`;
  for (;;) {
    try {
      await withClient(serverUrl, (client) => client.query(sql));
      return onDatabase(serverUrl, name);
    } catch (error) {
      // 55006: a session on the template has not ended yet.
      if (!(error instanceof pg.DatabaseError) || error.code !== '55006') throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/**
 * Templates for all jobs, made from a seeded database: those of alerts need it derived, and delivery needs messages that wait.
 * @returns the name of the template of a job
 */
export async function jobTemplates(
  serverUrl: string,
  base: string,
  channelUrl: string,
): Promise<(job: string) => string> {
  const names = { judged: `${base}_judged`, told: `${base}_told` };
  await seedAlerts(await cloneDatabase(serverUrl, base, names.judged), channelUrl, false);
  await seedAlerts(await cloneDatabase(serverUrl, base, names.told), channelUrl, true);
  return (job) => {
    if (job === 'alerts' || job === 'expected_runs') return names.judged;
    return job === 'deliver_alerts' ? names.told : base;
  };
}

export interface Sink {
  readonly url: string;
  /** How often each message came, by its delivery id. */
  readonly received: Map<string, number>;
  close(): Promise<void>;
}

/** A webhook that takes everything. */
export async function startSink(): Promise<Sink> {
  const received = new Map<string, number>();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (piece: string) => {
      body += piece;
    });
    request.on('end', () => {
      const content = JSON.parse(body) as { delivery: string; messages?: { delivery: string }[] };
      for (const { delivery } of content.messages ?? [content])
        received.set(delivery, (received.get(delivery) ?? 0) + 1);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { url: `http://127.0.0.1:${port}/hook`, received, close };
}

/** What the clock or the order of tries decides; whether there is a value at all is compared all the same. */
const CLOCKS =
  `derived_at last_received_at due_at first_at created_at sealed_at audited_at fired_at last_bad_at reminded_at resolved_at
  event_at next_attempt_at finished_at start_by expires_at last_used_at alert_id delivery_id act_id attempts last_error in_digest leased_until
  paused_until posted_at at`.split(/\s+/);
/** What each run of a job found, as far as it came: only that nothing was wrong must be the same. */
const CONDITIONS: Record<string, string> = {
  'runledger.audit_results': 'where t.difference <> 0 or t.sealed_difference <> 0',
};
/** Rules whose numbers are minutes that go by. */
const CLOCK_RULES = `('run_stuck', 'run_missed', 'ingest_health')`;

const TABLES = `
select c.oid::regclass::text as name,
  array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
from pg_class c
where c.relnamespace in ('public'::regnamespace, 'runledger'::regnamespace) and c.relkind in ('r', 'p') and not c.relispartition
order by 1`;

/** Every table's rows as text, clocks left out, and the partitions that are there. One list a table. */
export async function dumpAll(client: pg.Client | Pool): Promise<Map<string, string[]>> {
  const { rows: tables } = await client.query<{ name: string; columns: string[] }>(TABLES);
  const dump = new Map<string, string[]>();
  const parts = tables.map(
    ({ name, columns }) =>
      `select '${name}' as name, ${maskedRow(columns)} as row from ${name} t ${CONDITIONS[name] ?? ''}`,
  );
  parts.push(
    `select 'partitions', inhrelid::regclass::text from pg_inherits where inhparent = 'public.run_event_logs'::regclass`,
  );
  const { rows } = await client.query<{ name: string; row: string }>(
    `select name, row from (${parts.join(' union all ')}) all_rows order by name, row collate "C"`,
  );
  for (const { name, row } of rows) {
    const list = dump.get(name);
    if (list === undefined) dump.set(name, [row]);
    else list.push(row);
  }
  return dump;
}

function maskedRow(columns: readonly string[]): string {
  const clocks = CLOCKS.filter((column) => columns.includes(column));
  const present = clocks.map((column) => `'has_${column}', t.${pg.escapeIdentifier(column)} is not null`).join(', ');
  const masked = `(to_jsonb(t) - '{${[...clocks, 'message'].join(',')}}'::text[] || jsonb_build_object(${present}))`;
  const numbers = (rule: string) =>
    `case when ${rule} in ${CLOCK_RULES} then '{numbers}'::text[] else '{}'::text[] end`;
  if (columns.includes('message')) {
    // Its words say since when.
    const message = `t.message - '{${CLOCKS.join(',')},title,text}'::text[] - ${numbers(`t.message ->> 'rule'`)}`;
    return `(${masked} || jsonb_build_object('message', ${message}))::text`;
  }
  return columns.includes('numbers') ? `(${masked} - ${numbers('t.rule')})::text` : `${masked}::text`;
}

/** What one dump has and the other has not, in words; empty when they are the same. */
export function differences(expected: Map<string, string[]>, found: Map<string, string[]>): string[] {
  const lines: string[] = [];
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    const wanted = expected.get(name) ?? [];
    const had = found.get(name) ?? [];
    for (const row of without(wanted, had)) lines.push(`${name} lacks ${row}`);
    for (const row of without(had, wanted)) lines.push(`${name} has ${row}`);
  }
  return lines;
}

/** The rows of one sorted list that are not in the other, as often as they are missing. */
function without(list: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const row of others) left.set(row, (left.get(row) ?? 0) + 1);
  return list.filter((row) => {
    const count = left.get(row) ?? 0;
    left.set(row, count - 1);
    return count <= 0;
  });
}
