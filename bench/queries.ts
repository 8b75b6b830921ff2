/**
 * How long every query of the API and every view takes on ten million events, 10,000 runs and 100 tenants, warm, as the role that asks it.
 *
 *     npx tsx bench/queries.ts [--data FOLDER] [--rounds 30] [--runs 10000] [--only NAME] [--write]
 *
 * --data keeps the seed for the next time. --write keeps the result. Exit code 1 when the bar is missed: 50 ms, 500 ms for the run of a million.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg, { type Pool, type PoolClient } from 'pg';
import { deriveDue } from '../receiver/derive/derive_due.ts';
import { rollUpTrends } from '../receiver/derive/roll_up_trends.ts';
import { createPool, inTenant, inTransaction } from '../receiver/store/pool.ts';
import { startBenchServer } from './bench_server.ts';
import { seedLedger } from './ledger_seed.ts';
import { type QueryCase, queryCases } from './query_cases.ts';
import { planOf } from './query_plan.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    rounds: { type: 'string', default: '30' },
    runs: { type: 'string', default: '10000' },
    only: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const WARM_UP_ROUNDS = 3;
const TIMEOUT_MS = 30_000;
const say = (line: string) => process.stdout.write(`${line}\n`);

interface Measured {
  asked: QueryCase;
  p50Ms: number;
  p99Ms: number;
  /** Of the session's own process on the server, a round; null where the system does not tell. */
  cpuMs: number | null;
  bytes: number;
  plan: string;
}

const server = await startBenchServer(values.data);
try {
  if (!server.isOld) {
    const runs = Number(values.runs);
    await seedLedger(server, { runs, eventsFactor: 1, largeRunEvents: runs * 100, oneTenant: false }, say);
  }
  await catchUp();
  await main();
} finally {
  await server.remove();
}

/** What jobs would have done by the time that somebody reads; for a kept seed, also what migrations since then left to them. */
async function catchUp(): Promise<void> {
  const { failures } = await deriveDue(server.owner, { all: true });
  if (failures.length > 0) throw failures[0]?.error;
  const { days_merged } = await rollUpTrends(server.owner);
  say(`${days_merged} days merged`);
  // Runs that a draw made dirty again are derived once more, and find the same.
  await server.superuser.query('delete from runledger.dirty_runs');
  await server.superuser.query('vacuum analyze');
}

async function main(): Promise<void> {
  const { url, superuser } = server;
  const reader = createPool({
    databaseUrl: url,
    role: 'runledger_reader',
    maxConnections: 1,
    statementTimeoutMs: TIMEOUT_MS,
  });
  const operator = createPool({
    databaseUrl: url,
    role: 'runledger_operator',
    maxConnections: 1,
    statementTimeoutMs: TIMEOUT_MS,
  });
  const measured: Measured[] = [];
  for (const asked of await queryCases(superuser)) {
    if (values.only !== undefined && !asked.query.includes(values.only)) continue;
    const work = (client: PoolClient) => measure(client, asked);
    const times =
      asked.as === 'operator'
        ? inTransaction(operator, work, { readOnly: true })
        : asked.as === 'reader'
          ? inTenant(reader, asked.tenantId, work, { readOnly: true })
          : asBiLogin(superuser, url, asked.tenantId, work);
    const one = await times;
    measured.push(one);
    say(lineOf(one));
  }
  await Promise.all([reader.end(), operator.end()]);
  const missed = measured.filter(({ asked, p99Ms }) => p99Ms > asked.limitMs);
  say(`${measured.length} asked, ${missed.length} above the bar`);
  if (values.write) {
    const text = await report(measured, superuser);
    writeFileSync(fileURLToPath(new URL('./results/queries.md', import.meta.url)), text);
  }
  process.exitCode = missed.length === 0 ? 0 : 1;
}

async function measure(client: PoolClient, asked: QueryCase): Promise<Measured> {
  const times: number[] = [];
  let bytes = 0;
  const { rows: sessions } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const pid = sessions[0]?.pid ?? 0;
  let cpuBefore: number | null = null;
  for (let round = -WARM_UP_ROUNDS; round < Number(values.rounds); round++) {
    if (round === 0) cpuBefore = cpuOf(pid);
    const startedMs = performance.now();
    const { rows } = await client.query(asked.sql, asked.parameters);
    const ms = performance.now() - startedMs;
    if (round >= 0) times.push(ms);
    else bytes = JSON.stringify(rows).length;
    // What is seconds above the bar is that at every round.
    if (ms > 20 * asked.limitMs && times.length > 2) break;
  }
  const cpuAfter = cpuOf(pid);
  const cpuMs = cpuBefore === null || cpuAfter === null ? null : (cpuAfter - cpuBefore) / times.length;
  times.sort((a, b) => a - b);
  const at = (fraction: number) => times[Math.ceil(fraction * times.length) - 1] ?? Number.NaN;
  return {
    asked,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    cpuMs,
    bytes,
    plan: await planOf(client, asked.sql, asked.parameters),
  };
}

/** User and system time of a process so far (proc(5): fields 14 and 15, in ticks of 10 ms). */
function cpuOf(pid: number): number | null {
  const stat = `/proc/${pid}/stat`;
  if (!existsSync(stat)) return null;
  const fields = readFileSync(stat, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** A login as BI tools have it, made for the bench. */
async function asBiLogin<T>(
  superuser: Pool,
  url: string,
  tenantId: number,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const login = `bench_bi_${tenantId}`;
  const found = await superuser.query('select from pg_roles where rolname = $1', [login]);
  if (found.rowCount === 0) await superuser.query(`create role ${login} login password 'bench' in role runledger_bi`);
  await superuser.query('insert into runledger.bi_logins values ($1, $2) on conflict do nothing', [login, tenantId]);
  const address = new URL(url);
  address.username = login;
  address.password = 'bench';
  const pool = new pg.Pool({ connectionString: address.href, max: 1 });
  // The server may be stopped before it has heard that the session left.
  pool.on('error', () => undefined);
  try {
    return await inTransaction(pool, work, { readOnly: true });
  } finally {
    await pool.end();
  }
}

function lineOf({ asked, p50Ms, p99Ms, cpuMs, bytes, plan }: Measured): string {
  const mark = p99Ms > asked.limitMs ? ' **above**' : '';
  return `| ${asked.query} | ${asked.about} | ${asked.as} | ${p50Ms.toFixed(1)} | ${p99Ms.toFixed(1)}${mark} | ${cpuMs === null ? '' : cpuMs.toFixed(1)} | ${asked.limitMs} | ${Math.ceil(bytes / 1024)} | ${plan} |`;
}

async function report(measured: Measured[], superuser: Pool): Promise<string> {
  const { rows } = await superuser.query<{
    version: string;
    events: string;
    runs: string;
    tenants: string;
    size: string;
  }>(
    `select current_setting('server_version') as version,
       (select to_char(count(*), 'FM999,999,999') from public.run_event_logs) as events,
       (select to_char(count(*), 'FM999,999') from public.enrichment_runs) as runs,
       (select count(distinct tenant_id)::text from public.enrichment_runs) as tenants,
       pg_size_pretty(pg_database_size(current_database())) as size`,
  );
  const seed = rows[0];
  const missed = measured.filter(({ asked, p99Ms }) => p99Ms > asked.limitMs).length;
  const byCpu = measured.filter(({ asked, cpuMs }) => (cpuMs ?? 0) > asked.limitMs);
  return [
    '# Queries of the API and views',
    '',
    `Made by \`npm run bench:queries\` on ${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores shared with other work, Node ${process.versions.node}, PostgreSQL ${seed?.version}.`,
    '',
    `${seed?.events} events, ${seed?.runs} runs, ${seed?.tenants} tenants, ${seed?.size}. Milliseconds over ${values.rounds} rounds after ${WARM_UP_ROUNDS} to warm up, from sending the query`,
    'to having its rows in Node, in one session of the role that asks it. Plans are of one more round under `explain (analyze, buffers)`: how the tables',
    'are read, with partitions folded together, pages touched, and the time to plan and to run. CPU is what the session itself used on the server',
    'a round, and is closer to what an idle machine would take; processes that helped it are not in it.',
    '',
    `${measured.length} asked. Above the bar: ${missed} by their p99, which on a shared machine says little, and ${byCpu.length} by their CPU alone:`,
    '',
    ...byCpu.map(
      ({ asked, cpuMs }) => `- ${asked.query}, ${asked.about}: ${cpuMs?.toFixed(0)} ms of CPU, bar ${asked.limitMs}`,
    ),
    '',
    '| query | about | as | p50 | p99 | CPU | bar | KiB | plan |',
    '|---|---|---|---|---|---|---|---|---|',
    ...measured.map(lineOf),
    '',
  ].join('\n');
}
