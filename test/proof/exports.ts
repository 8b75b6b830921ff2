/**
 * Exports of a run of a million events to a reader that is slow and, for a while, takes nothing: what the receiver holds meanwhile, in memory
 * and in the database. The receiver is a process of its own with little heap, which would end if it held what it has read.
 *
 *     npx tsx test/proof/exports.ts [--rows 1000000] [--seconds 60] [--file run_events.csv] [--write]
 *
 * Exit code 1 when a row is missing, memory grows with the file, or a transaction stays open while the reader stands still.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { migrate } from '../../receiver/store/migrate.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { registerTenants } from '../../receiver/store/tenants.ts';
import { createToken } from '../../receiver/store/tokens.ts';
import { startFaultCluster } from '../helpers/fault_cluster.ts';
import { createFaultReceiver, type FaultReceiver } from '../helpers/fault_receiver.ts';
import { createDays } from '../helpers/ledger_writer.ts';
import { readParquet } from '../helpers/parquet_read.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '60' },
    file: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const ROWS = Number(values.rows);
/** How long a reader takes for one file, standing still not counted. */
const READING_SECONDS = Number(values.seconds);
const STANDS_STILL_MS = 10_000;
/** So many looks in a row without a transaction: sockets and pipes are full, and the receiver has stopped reading. */
const SETTLED_LOOKS = 12;
const SETTLES_MS_MAX = 300_000;
const FILES = ['run_events.csv', 'run_events.jsonl', 'run_events.parquet'];
const HEAP_MIB = 160;
const TENANT = 7;
const RUN = 99;
const MIB = 1024 * 1024;
/** Between the first quarter of a file and its end. */
const GROWTH_MIB_MAX = 64;

const FILL = `
with filled as (
  insert into run_event_logs (run_id, tenant_id, stage, company_id, event, status, duration_ms, trace_id, extra, ts, span_id, seq, kind,
    vendor, calls, units_total, units_success, cost_usd, tokens_input)
  select $1, $2, 'crawl', n, 'finish', 'ok', n % 9000, md5((n / 50)::text), jsonb_build_object('host', 'example-' || n || '.test'),
    timestamptz '2026-11-22 00:00:00Z' + n * interval '100 microseconds', lpad(to_hex(n), 16, '0'), 1, 'item',
    case when n % 3 = 0 then 'openai' end, (n % 3 = 0)::int, 1, 1, case when n % 3 = 0 then 0.0001 * (n % 977) end, n % 4000
  from generate_series(1, $3::int) n
  returning ts
)
insert into enrichment_runs (run_id, tenant_id, started_at, first_event_at, last_event_at)
select $1, $2, min(ts), min(ts), max(ts) from filled`;

const OPEN_TRANSACTIONS = `
select (extract(epoch from max(clock_timestamp() - xact_start)) * 1000)::float as ms
from pg_stat_activity
where application_name = 'runledger_reader' and (xact_start is not null or backend_xmin is not null)`;

const say = (line: string) => process.stdout.write(`${line}\n`);

interface Result {
  file: string;
  mib: number;
  rows: number;
  trailer: number;
  seconds: number;
  rssMib: { before: number; quarters: number[]; peak: number };
  /** Longest that any reading transaction was seen open. */
  transactionMs: number;
  /** Looks while the reader stood still, and how many of them found a transaction. */
  stillLooks: number;
  openWhileStill: number;
}

const startedMs = Date.now();
const cluster = await startFaultCluster();
const receiver = createFaultReceiver({
  dataDir: `${cluster.folder}/receiver`,
  databaseUrl: cluster.url,
  environment: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` },
});
const looks = new pg.Pool({ connectionString: cluster.url, max: 1 });
try {
  await migrate({ databaseUrl: cluster.url });
  const token = await fill();
  await receiver.start();
  const results: Result[] = [];
  for (const file of FILES) {
    if (values.file !== undefined && file !== values.file) continue;
    results.push(await prove(file, token, receiver));
    say(JSON.stringify(results.at(-1)));
  }
  const text = report(results);
  say(text);
  if (values.write) writeFileSync(fileURLToPath(new URL('../../bench/results/exports.md', import.meta.url)), text);
  process.exitCode = results.every(isRight) && receiver.counts.exits === 0 ? 0 : 1;
} finally {
  if (receiver.pid !== 0) await receiver.terminate();
  await looks.end();
  await cluster.remove();
}

/** @returns a token of the tenant */
async function fill(): Promise<string> {
  const open = (role: 'runledger_owner' | 'runledger_operator') =>
    createPool({ databaseUrl: cluster.url, role, maxConnections: 1, statementTimeoutMs: 0 });
  const [owner, operators] = [open('runledger_owner'), open('runledger_operator')];
  await registerTenants(operators, [String(TENANT)]);
  await createDays(owner, '2026-11-21', '2026-11-24');
  await owner.query(FILL, [RUN, TENANT, ROWS]);
  const { token } = await createToken(operators, { kind: 'tenant', tenantId: TENANT, name: 'reader' });
  await Promise.all([owner.end(), operators.end()]);
  say(`${ROWS} rows after ${Math.round((Date.now() - startedMs) / 1000)} s`);
  return token;
}

async function prove(file: string, token: string, { pid, urls }: FaultReceiver): Promise<Result> {
  const wholeBytes = await drain(await open(urls.api, file, token));
  await sleep(2_000);
  const before = rssMib(pid);
  const watch = watching(pid);
  const began = Date.now();
  const response = await open(urls.api, file, token);
  const pace = wholeBytes / (READING_SECONDS * 1000);
  const kept: Buffer[] = [];
  const quarters: number[] = [];
  let [bytes, lines, still] = [0, 0, 0];
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (file.endsWith('.parquet')) kept.push(chunk);
    else for (const byte of chunk) if (byte === 10) lines++;
    if (still === 0 && bytes > wholeBytes / 3) {
      const stoodMs = Date.now();
      watch.closedLooks = 0;
      while (watch.closedLooks < SETTLED_LOOKS && Date.now() - stoodMs < SETTLES_MS_MAX) await sleep(100);
      watch.isStill = true;
      await sleep(STANDS_STILL_MS);
      watch.isStill = false;
      still = Date.now() - stoodMs;
    }
    if (bytes >= ((quarters.length + 1) * wholeBytes) / 4) quarters.push(rssMib(pid));
    const aheadMs = bytes / pace - (Date.now() - began - still);
    if (aheadMs > 5) await sleep(aheadMs);
  }
  await watch.end();
  const rows = file.endsWith('.parquet') ? (await readParquet(Buffer.concat(kept))).rowCount : lines;
  return {
    file,
    mib: bytes / MIB,
    rows: file.endsWith('.csv') ? rows - 1 : rows,
    trailer: Number(response.trailers['x-runledger-rows']),
    seconds: (Date.now() - began) / 1000,
    rssMib: { before, quarters, peak: watch.peakMib },
    transactionMs: watch.transactionMs,
    stillLooks: watch.stillLooks,
    openWhileStill: watch.openWhileStill,
  };
}

function open(api: string, file: string, token: string): Promise<IncomingMessage> {
  const headers = { Authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    get(`${api}/export/${file}?run_id=${RUN}`, { headers }, (response) => {
      if (response.statusCode === 200) resolve(response);
      else reject(new Error(`${file}: ${response.statusCode}`));
    }).on('error', reject);
  });
}

async function drain(response: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) bytes += chunk.length;
  return bytes;
}

/** Looks at the process and at its reading connections four times a second, until it is ended. */
function watching(pid: number) {
  const seen = {
    isStill: false,
    closedLooks: 0,
    peakMib: 0,
    transactionMs: 0,
    stillLooks: 0,
    openWhileStill: 0,
    end: async () => {},
  };
  let goesOn = true;
  const look = async () => {
    while (goesOn) {
      const wasStill = seen.isStill;
      const { rows } = await looks.query<{ ms: number | null }>(OPEN_TRANSACTIONS);
      const ms = rows[0]?.ms ?? null;
      seen.peakMib = Math.max(seen.peakMib, rssMib(pid));
      seen.transactionMs = Math.max(seen.transactionMs, ms ?? 0);
      seen.closedLooks = ms === null ? seen.closedLooks + 1 : 0;
      if (wasStill && seen.isStill) {
        seen.stillLooks++;
        if (ms !== null) seen.openWhileStill++;
      }
      await sleep(250);
    }
  };
  const looking = look();
  seen.end = async () => {
    goesOn = false;
    await looking;
  };
  return seen;
}

function rssMib(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? 0) / 1024;
}

function isRight(result: Result): boolean {
  const { rssMib: rss, rows, trailer, stillLooks, openWhileStill } = result;
  const growth = Math.max(...rss.quarters) - (rss.quarters[0] ?? 0);
  return rows === ROWS && trailer === ROWS && growth < GROWTH_MIB_MAX && stillLooks > 10 && openWhileStill === 0;
}

function report(results: readonly Result[]): string {
  const whole = (number: number) => Math.round(number).toLocaleString('en');
  const lines = results.map(({ file, mib, rows, trailer, seconds, rssMib: rss, ...result }) => {
    const cells = [
      `\`${file}\``,
      `${mib.toFixed(1)} MiB`,
      `${whole(rows)}, ${whole(trailer)}`,
      `${whole(seconds)} s`,
      `${whole(rss.before)} MiB`,
      rss.quarters.map(whole).join(', '),
      whole(rss.peak),
      `${whole(result.transactionMs)} ms`,
      `${result.openWhileStill} of ${result.stillLooks}`,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '# Exports to a slow reader',
    '',
    `Made by \`npm run proof:exports\` on ${new Date(startedMs).toISOString().slice(0, 10)}, ${cpus().length} cores shared with other work, Node ${process.versions.node}.`,
    '',
    `A run of ${whole(ROWS)} events; the receiver runs with a heap of at most ${HEAP_MIB} MiB. The reader takes each file over ${READING_SECONDS} s at an even pace, and stands`,
    `still after a third of it until the receiver has stopped reading, and ${STANDS_STILL_MS / 1000} s more, which the last column is about. Memory is the resident memory of the receiver's process.`,
    '',
    '| file | size | rows read, rows by trailer | took | memory before | at each quarter | peak | longest transaction | transactions open while it stood still |',
    '|---|---|---|---|---|---|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}
