/**
 * The ingest bar: OTLP/HTTP protobuf on the wire to committed rows and counters, against a bare client that writes the same rows and sums in the
 * same group sizes, and against raw COPY of the same rows. All in one run, interleaved, on the same database; only the ratios mean anything.
 *
 *   npm run bench:ingest -- [--requests 200] [--spans 500] [--rounds 3] [--no-bypass]
 */

import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { decodeTraces } from '../receiver/decode/decode.ts';
import { startEmbedded } from '../receiver/embedded/start.ts';
import { createMapper } from '../receiver/map/map.ts';
import type { EventRow } from '../receiver/map/row.ts';
import { migrate } from '../receiver/store/migrate.ts';
import { createPool, inTransaction } from '../receiver/store/pool.ts';
import { createSnapshotSource } from '../receiver/store/snapshot.ts';
import { loadSql } from '../receiver/store/sql.ts';
import { registerTenants } from '../receiver/store/tenants.ts';
import { copyRows } from '../receiver/write/copy.ts';
import { compareKeys } from '../receiver/write/key.ts';
import { sumRows } from '../receiver/write/sums.ts';
import { makeRequests } from './requests.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '200' },
    spans: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '3' },
    senders: { type: 'string', default: '16' },
    'no-bypass': { type: 'boolean', default: false },
    /** Flags for the receiver's Node, separated by commas: --cpu-prof,--max-semi-space-size=64. */
    'node-flags': { type: 'string', default: '' },
  },
});
const GROUP_ROWS = 4000;
const CONNECTIONS = 2;
const TOKEN = 'bench-token-0123456789';

const folder = mkdtempSync(join(tmpdir(), 'runledger-bench-'));
const database = await startEmbedded({ dataDir: folder, log: () => undefined });
const started: { receiver: ChildProcess | null } = { receiver: null };
try {
  await main();
} finally {
  await stopReceiver(started.receiver);
  await database.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const { databaseUrl } = database;
  await migrate({ databaseUrl });
  const superuser = new pg.Pool({ connectionString: databaseUrl, max: CONNECTIONS + 1 });
  superuser.on('error', () => undefined);
  if (values['no-bypass']) await superuser.query('alter role runledger_ingest nobypassrls');
  const ingest = createPool({ databaseUrl, role: 'runledger_ingest', maxConnections: CONNECTIONS + 1 });
  await registerTenants(ingest, ['1', '2']);
  const bodies = makeRequests(Number(values.requests), Number(values.spans));
  const groups = await mapGroups(bodies, ingest);
  const rows = groups.reduce((sum, group) => sum + group.length, 0);
  const megabytes = bodies.reduce((sum, body) => sum + body.length, 0) / 1e6;
  console.log(
    `${rows} rows in ${bodies.length} requests (${megabytes.toFixed(1)} MB), groups of ${GROUP_ROWS}, ${CONNECTIONS} writers, ${cpus().length} cores`,
  );
  console.log(`runledger_ingest ${values['no-bypass'] ? 'without' : 'with'} BYPASSRLS`);

  const wire = await startReceiverProcess(databaseUrl);
  const ways: Record<string, () => Promise<void>> = {
    'raw COPY': () =>
      eachGroup(groups, (group) => inTransaction(superuser, (client) => copyRows(client, 'run_event_logs', group))),
    'bare client': () => eachGroup(groups, (group) => writeBare(ingest, group)),
    'wire to commit': () => sendAll(bodies, wire.port),
  };
  const rates: Record<string, number[]> = {};
  let receiverCpuSeconds = 0;
  for (let round = 0; round <= Number(values.rounds); round++) {
    for (const [name, work] of Object.entries(ways)) {
      await empty(superuser);
      const cpuBefore = cpuSeconds(wire.pid);
      const started = performance.now();
      await work();
      const rate = rows / ((performance.now() - started) / 1000);
      const { rows: counted } = await superuser.query<{ count: string }>('select count(*) from public.run_event_logs');
      if (Number(counted[0]?.count) !== rows) throw new Error(`${name} stored ${counted[0]?.count} rows of ${rows}`);
      // The first round warms up.
      if (round === 0) continue;
      rates[name] = [...(rates[name] ?? []), rate];
      if (name === 'wire to commit') receiverCpuSeconds += cpuSeconds(wire.pid) - cpuBefore;
    }
  }
  report(rates, wire.pid);
  const wireRows = rows * Number(values.rounds);
  console.log(`receiver CPU ${((receiverCpuSeconds / wireRows) * 1e6).toFixed(1)} us a row`);
  await empty(superuser);
  await measureLatency(bodies, wire.port, median(rates['wire to commit'] ?? []) / 2);
  await ingest.end();
  await superuser.end();
}

async function mapGroups(bodies: readonly Uint8Array[], pool: pg.Pool): Promise<EventRow[][]> {
  const snapshots = await createSnapshotSource(pool, { linkHosts: [] });
  const mapper = createMapper(snapshots.current());
  snapshots.close();
  const rows: EventRow[] = [];
  for (const body of bodies) {
    for (const chunk of decodeTraces(body, 'protobuf'))
      rows.push(...mapper.spans(chunk, { kind: 'ingest' }, Date.now() * 1000).rows);
  }
  const groups: EventRow[][] = [];
  for (let at = 0; at < rows.length; at += GROUP_ROWS) groups.push(rows.slice(at, at + GROUP_ROWS).sort(compareKeys));
  return groups;
}

async function eachGroup(groups: readonly EventRow[][], write: (group: EventRow[]) => Promise<unknown>): Promise<void> {
  const queue = groups.values();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (const group of queue) await write(group);
    }),
  );
}

/** The same rows and sums, from memory: no HTTP, no decoding, no mapping, no look for resends. */
async function writeBare(pool: pg.Pool, group: EventRow[]): Promise<void> {
  await inTransaction(pool, async (client) => {
    if (values['no-bypass']) {
      await client.query(loadSql('queries/write/create_incoming'));
      await copyRows(client, 'incoming', group);
      await client.query(loadSql('queries/write/insert_incoming'));
    } else await copyRows(client, 'run_event_logs', group);
    const sums = sumRows(group, [], () => null);
    await client.query(loadSql('queries/write/upsert_runs'), [JSON.stringify(sums.runs), new Date().toISOString()]);
    await client.query(loadSql('queries/write/upsert_stage_stats'), [JSON.stringify(sums.stages)]);
    await client.query(loadSql('queries/write/upsert_vendor_usage'), [JSON.stringify(sums.vendors)]);
  });
}

async function sendAll(bodies: readonly Uint8Array[], port: number): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: Number(values.senders) });
  const queue = bodies.values();
  await Promise.all(
    Array.from({ length: Number(values.senders) }, async () => {
      for (const body of queue) await send(body, port, agent);
    }),
  );
  agent.destroy();
}

/** Requests at an even pace, whatever the answers take: a slow answer does not slow the next request down. */
async function measureLatency(bodies: readonly Uint8Array[], port: number, rowsPerSecond: number): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  const everyMs = (Number(values.spans) / rowsPerSecond) * 1000;
  const started = performance.now();
  const latencies = await Promise.all(
    bodies.map(async (body, index) => {
      const due = started + index * everyMs;
      await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
      await send(body, port, agent);
      return performance.now() - due;
    }),
  );
  agent.destroy();
  const sorted = latencies.sort((a, b) => a - b);
  const at = (fraction: number) => (sorted[Math.floor((sorted.length - 1) * fraction)] ?? 0).toFixed(0);
  console.log(
    `answers at half that rate (${(rowsPerSecond / 1000).toFixed(0)} k rows/s, ${sorted.length} requests of ${values.spans}): ` +
      `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms   (bar: p99 100 ms)`,
  );
}

async function send(body: Uint8Array, port: number, agent: http.Agent): Promise<void> {
  const headers = {
    'content-type': 'application/x-protobuf',
    authorization: `Bearer ${TOKEN}`,
    'content-length': body.length,
  };
  for (;;) {
    const status = await new Promise<number>((resolve, reject) => {
      const request = http.request(
        { host: '127.0.0.1', port, path: '/v1/traces', method: 'POST', headers, agent },
        (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
        },
      );
      request.on('error', reject);
      request.end(body);
    });
    if (status === 200) return;
    if (status !== 503 && status !== 429) throw new Error(`the receiver answered ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function startReceiverProcess(databaseUrl: string): Promise<{ port: number; pid: number }> {
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const main = new URL('../dist/receiver/cli/main.js', import.meta.url);
  const receiver = fork(main, ['start'], {
    execArgv: values['node-flags'].split(',').filter((flag) => flag !== ''),
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      RUNLEDGER_DATA_DIR: join(folder, 'receiver'),
      RUNLEDGER_OTLP_HTTP_PORT: String(port),
      RUNLEDGER_OTLP_GRPC_PORT: String(port + 1),
      RUNLEDGER_HTTP_PORT: String(port + 2),
      RUNLEDGER_INGEST_TOKEN: TOKEN,
      LOG_LEVEL: 'warn',
    },
  });
  started.receiver = receiver;
  for (let attempt = 0; attempt < 200; attempt++) {
    const ready = await fetch(`http://127.0.0.1:${port + 2}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) return { port, pid: receiver.pid ?? 0 };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the receiver did not become ready');
}

async function stopReceiver(receiver: ChildProcess | null): Promise<void> {
  if (receiver === null || receiver.exitCode !== null) return;
  const stopped = new Promise((resolve) => receiver.once('exit', resolve));
  receiver.kill('SIGTERM');
  await stopped;
}

async function empty(superuser: pg.Pool): Promise<void> {
  await superuser.query(
    'truncate public.run_event_logs, public.enrichment_runs, public.run_stage_stats, public.run_vendor_usage, runledger.dirty_runs',
  );
  await superuser.query('checkpoint');
}

/** User and system time of a process so far (proc(5): fields 14 and 15, in ticks of 10 ms). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function median(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[list.length >> 1] ?? 0;
}

function report(rates: Record<string, number[]>, pid: number): void {
  const of = (name: string) => median(rates[name] ?? []);
  for (const [name, list] of Object.entries(rates)) {
    console.log(
      `${name.padEnd(16)} ${(median(list) / 1000).toFixed(1).padStart(7)} k rows/s   rounds: ${list.map((rate) => (rate / 1000).toFixed(1)).join(' ')}`,
    );
  }
  console.log(`wire / bare client  ${(of('wire to commit') / of('bare client')).toFixed(2)}   (bar 0.9)`);
  console.log(`wire / raw COPY     ${(of('wire to commit') / of('raw COPY')).toFixed(2)}   (bar 0.7)`);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  console.log(`receiver peak memory ${(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024).toFixed(0)} MB`);
}
