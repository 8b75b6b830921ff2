/** A database with work for every job, as a template that each trial clones. */
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

/** So much past its age, and so many schedules, that the jobs concerned take a while, or no kill would meet them. */
async function seedMuch(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, (client) =>
    client.query(
      `insert into runledger.parked_spans
       select 1, 'late' || i, now() - interval '26 hours', lpad(to_hex(i), 16, '0'), 1, 'no_run_yet', null, '{}', now() - interval '25 hours'
       from generate_series(1, 8000) i;
       insert into runledger.alert_deliveries (tenant_id, alert_id, channel_tenant_id, channel, event, event_at, message, state, next_attempt_at,
         created_at, finished_at)
       select 1, 1000 + i, 0, 'gone', 'fired', d, '{}', 'sent', now(), d, d
       from generate_series(1, 8000) i cross join lateral (select now() - interval '100 days' as d) past;
       insert into runledger.schedules (tenant_id, pipeline, environment, cron)
       select 1 + i % 2, 'pipeline-' || i, 'production', i % 60 || ' */2 * * *' from generate_series(1, 40) i`,
    ),
  );
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
 * Templates for all jobs, made from a seeded database: those of alerts and trends need it derived, and delivery needs messages that wait.
 * @returns the name of the template of a job
 */
export async function jobTemplates(
  serverUrl: string,
  base: string,
  channelUrl: string,
): Promise<(job: string) => string> {
  const names = { judged: `${base}_judged`, told: `${base}_told`, much: `${base}_much` };
  await seedAlerts(await cloneDatabase(serverUrl, base, names.judged), channelUrl, false);
  await seedAlerts(await cloneDatabase(serverUrl, base, names.told), channelUrl, true);
  await seedMuch(await cloneDatabase(serverUrl, base, names.much));
  return (job) => {
    if (job.startsWith('expire_') || job === 'expected_runs') return names.much;
    if (job === 'alerts' || job === 'roll_up_trends') return names.judged;
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
