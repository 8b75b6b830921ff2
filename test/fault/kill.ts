/**
 * The promise of the ledger under kill -9: receiver, PostgreSQL and single backends are killed and connections are cut, all at once and at
 * random moments, while senders send until acknowledged. At the end every table is held against what was sent.
 *
 *     npm run build && npx tsx test/fault/kill.ts --receiver-kills 50 --postgres-kills 50 --seconds 1200 --embedded --write
 *
 * It ends when all kills are done (and at least --seconds have passed when given), or at --seconds-max. --embedded lets the receiver run its
 * own PostgreSQL, which it then finds alive after its own death, and brings up again after PostgreSQL's. --write appends to the kept result.
 */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { findEmbedded } from '../../receiver/embedded/start.ts';
import { checkLedger, type Verdict } from '../helpers/fault_check.ts';
import { type FaultCluster, startFaultCluster, untilUp } from '../helpers/fault_cluster.ts';
import { type LoadRequest, type LoadRun, makeLoad } from '../helpers/fault_load.ts';
import { cutCommits, cutRequests, noCuts, startFaultProxy } from '../helpers/fault_proxy.ts';
import { createFaultReceiver } from '../helpers/fault_receiver.ts';
import { createSenders, sleep } from '../helpers/fault_senders.ts';
import { createRandom } from '../helpers/random_spans.ts';

const { values } = parseArgs({
  options: {
    'receiver-kills': { type: 'string', default: '50' },
    'postgres-kills': { type: 'string', default: '50' },
    seconds: { type: 'string', default: '0' },
    'seconds-max': { type: 'string', default: '3600' },
    senders: { type: 'string', default: '4' },
    /** Makes the time between kills so many times longer. */
    pause: { type: 'string', default: '1' },
    /** Of so many pieces on a connection one ends it. */
    'cut-one-in': { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    embedded: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const number = (name: Exclude<keyof typeof values, 'embedded' | 'write'>) => Number(values[name]);
const say = (line: string) => process.stdout.write(`${line}\n`);

interface Database {
  url: string;
  killServer(): boolean;
  killBackend(): Promise<boolean>;
  remove(): Promise<void>;
}

const kills = { receiver: 0, postmaster: 0, backend: 0 };
const cuts = noCuts();
const random = createRandom(number('seed'));
const dataDir = mkdtempSync(join(tmpdir(), 'runledger-kill-'));
const cluster: FaultCluster | null = values.embedded ? null : await startFaultCluster(true);
const databaseProxy = await startFaultProxy(cluster?.port ?? null, cutCommits(cuts, number('cut-one-in')));
const requestProxy = await startFaultProxy(null, cutRequests(cuts, number('cut-one-in')));
const receiver = createFaultReceiver({
  dataDir,
  databaseUrl: cluster === null ? null : throughProxy(cluster.url),
  built: true,
  onReady: ({ otlpHttp }) => {
    requestProxy.target = Number(new URL(otlpHttp).port);
  },
});

let ended = false;
const started = Date.now();
const elapsedSeconds = () => Math.round((Date.now() - started) / 1000);

try {
  process.exitCode = await main();
} finally {
  ended = true;
  await receiver.terminate().catch(() => null);
  await cluster?.remove();
  await requestProxy.close();
  await databaseProxy.close();
  rmSync(dataDir, { recursive: true, force: true });
}

async function main(): Promise<number> {
  await receiver.start();
  const database = cluster ?? (await embeddedOf(dataDir));
  const runs: LoadRun[] = [];
  const senders = createSenders(
    () => requestProxy.port,
    () => 100 + Math.random() * 300,
  );
  const sending = senders.run(number('senders'), supply(runs));
  const killing = Promise.all([killReceivers(), killServers(database)]);
  const progress = setInterval(() => say(describe(senders.counts.acknowledgedSpans)), 15_000);
  await killing;
  while (elapsedSeconds() < number('seconds')) await sleep(500);
  ended = true;
  await sending;
  clearInterval(progress);
  senders.close();
  say('all requests are acknowledged or left; comparing');
  const verdict = await checkLedger(database.url, runs, 150_000);
  const bad = [...verdict.faults, ...senders.counts.violations];
  if (receiver.counts.exits > 0)
    bad.push(`the receiver ended by itself ${receiver.counts.exits} times after it was ready`);
  const text = report(verdict, senders.counts, bad);
  say(text);
  if (bad.length > 0) for (const line of receiver.complaints.slice(-20)) say(`  log: ${line.slice(0, 500)}`);
  const code = await receiver.terminate();
  if (code !== 0) bad.push(`SIGTERM at the end: exit code ${code}`);
  if (values.write) keep(text);
  return bad.length === 0 ? 0 : 1;
}

/** Hands out requests; when the runs at hand are used up, new ones begin, until the kills are done. */
function supply(runs: LoadRun[]): () => LoadRequest | null {
  const waiting: LoadRequest[] = [];
  return () => {
    if (waiting.length === 0) {
      if (ended) return null;
      const load = makeLoad(random, { spansPerRunMax: 1_500, spansPerRequestMax: 500, runsAtOnce: 4 });
      runs.push(...load.runs);
      waiting.push(...load.requests);
    }
    return waiting.shift() ?? null;
  };
}

/** Waits as short as a request takes, or as long as many of them do. */
function aMoment(): Promise<void> {
  return sleep((random.chance(0.4) ? Math.random() * 150 : 200 + Math.random() * 2_300) * number('pause'));
}

async function killReceivers(): Promise<void> {
  while (!isOver(kills.receiver >= number('receiver-kills'))) {
    await aMoment();
    requestProxy.target = null;
    await receiver.kill();
    kills.receiver++;
    await receiver.start();
  }
}

async function killServers(database: Database): Promise<void> {
  while (!isOver(kills.postmaster + kills.backend >= number('postgres-kills'))) {
    await aMoment();
    if (random.chance(0.3)) {
      if (await database.killBackend().catch(() => false)) kills.backend++;
    } else if (database.killServer()) kills.postmaster++;
    await Promise.race([untilUp(database.url), sleep(20_000)]);
  }
}

/** With --seconds given the killing goes on beyond the numbers. */
function isOver(enough: boolean): boolean {
  if (elapsedSeconds() >= number('seconds-max')) return true;
  return enough && elapsedSeconds() >= number('seconds');
}

function throughProxy(url: string): string {
  const changed = new URL(url);
  changed.port = String(databaseProxy.port);
  return changed.href;
}

/** The PostgreSQL that the receiver runs, seen from beside it. */
async function embeddedOf(folder: string): Promise<Database> {
  const url = await findEmbedded(folder);
  if (url === null) throw new Error('the receiver runs no PostgreSQL');
  const serverPid = () => {
    const record = JSON.parse(readFileSync(join(folder, 'postgres.json'), 'utf8')) as { home?: string };
    const lock = join(resolve(folder, record.home ?? '.'), 'postgres', 'postmaster.pid');
    return existsSync(lock) ? Number(readFileSync(lock, 'utf8').split('\n')[0]) : 0;
  };
  const kill = (pid: number | undefined) => {
    try {
      return pid !== undefined && pid > 1 && process.kill(pid, 'SIGKILL');
    } catch {
      return false;
    }
  };
  return {
    url,
    killServer: () => kill(serverPid()),
    async killBackend() {
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => undefined);
      await client.connect();
      const { rows } = await client.query<{ pid: number }>(
        `select pid from pg_stat_activity where application_name = 'runledger_ingest' order by (state <> 'idle') desc, random() limit 1`,
      );
      const killed = kill(rows[0]?.pid);
      await client.end().catch(() => undefined);
      return killed;
    },
    remove: async () => undefined,
  };
}

function totalCuts(): number {
  return Object.values(cuts).reduce((sum, count) => sum + count, 0);
}

function describe(acknowledged: number): string {
  const { receiver: r, postmaster, backend } = kills;
  return `${String(elapsedSeconds()).padStart(5)} s  ${r} receiver, ${postmaster} postmaster, ${backend} backend kills, ${totalCuts()} cuts; ${acknowledged} spans acknowledged`;
}

function report(verdict: Verdict, sent: ReturnType<typeof createSenders>['counts'], bad: readonly string[]): string {
  const total = kills.receiver + kills.postmaster + kills.backend + totalCuts();
  const statuses = Object.entries(sent.statuses).map(([status, count]) => `${status}: ${count}`);
  const lines = [
    `### ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, ${values.embedded ? 'embedded PostgreSQL of the receiver' : 'PostgreSQL beside the receiver, connections cut in between'}`,
    '',
    `${cpus().length} cores, Node ${process.versions.node}, ${elapsedSeconds()} s, ${number('senders')} senders, seed ${number('seed')}.`,
    '',
    '| | |',
    '|---|---|',
    `| kill -9 of the receiver | ${kills.receiver} |`,
    `| kill -9 of the postmaster | ${kills.postmaster} |`,
    `| kill -9 of one backend (PostgreSQL then ends all and recovers) | ${kills.backend} |`,
    `| connections cut: request half sent, reset after it, answer lost | ${cuts.requestHalfSent}, ${cuts.connectionReset}, ${cuts.responseLost} |`,
    `| connections cut: COMMIT not delivered, its answer lost | ${cuts.commitNotSent}, ${cuts.commitAnswerLost} |`,
    `| **faults in all** | **${total}** |`,
    `| requests (1 to 500 spans), sent again, left after one try | ${sent.requests}, ${sent.resends}, ${sent.leftRequests} |`,
    `| answers; broken connections; no answer in 10 s | ${statuses.join(', ')}; ${sent.connectionErrors}; ${sent.timeouts} |`,
    `| spans sent, acknowledged | ${verdict.spansSent}, ${verdict.spansAcknowledged} |`,
    `| spans stored without an acknowledgement | ${verdict.spansStoredUnacknowledged} |`,
    `| runs, event rows | ${verdict.runs}, ${verdict.rows} |`,
    `| audit difference, runs looked at | ${verdict.audit.difference}, ${verdict.audit.runsChecked} |`,
    `| rows left parked; dead tuples after vacuum | ${verdict.parkedRows}; ${verdict.deadTuples} |`,
    `| largest receiver, longest start until ready, longest answer | ${Math.round(receiver.rssPeakBytes() / 1_048_576)} MB, ${Math.round(receiver.counts.readyMsMax)} ms, ${Math.round(sent.answerMsMax)} ms |`,
    `| starts that ended before they were ready (database away) | ${receiver.counts.failedStarts} |`,
    `| **acknowledged spans lost, counted twice, or any other fault** | **${bad.length}** |`,
  ];
  return [...lines, ...bad.slice(0, 30).map((line) => `- ${line}`), ''].join('\n');
}

function keep(text: string): void {
  const path = fileURLToPath(new URL('../../bench/results/faults.md', import.meta.url));
  if (!existsSync(path)) {
    writeFileSync(
      path,
      `# Kills and cuts under load\n\nMade by test/fault/kill.ts, which says how to repeat it. Each span has known numbers; at the end every row and every counter\nis held against their sums, made without the receiver's code. A span that was acknowledged must be there once; one that was not may be\nthere once.\n\n`,
    );
  }
  appendFileSync(path, `${text}\n`);
}
