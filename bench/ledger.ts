/**
 * Derive, audit, alert rules, a sweep and retention on ten million events of one tenant in 10,000 runs, one of them of a million events.
 *
 *     npx tsx bench/ledger.ts [--data FOLDER] [--runs 10000] [--write]
 *
 * --data keeps the seed, without the days that retention dropped. --write keeps the result.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Pool } from 'pg';
import { evaluateRule } from '../receiver/derive/alerts/evaluate.ts';
import { loadRules } from '../receiver/derive/alerts/load_rules.ts';
import { sweepAlerts } from '../receiver/derive/alerts/sweep.ts';
import { audit } from '../receiver/derive/audit.ts';
import { deriveRun } from '../receiver/derive/derive_run.ts';
import { auditDay, deriveDay, dropDay } from '../receiver/derive/seal_day.ts';
import { inTransaction } from '../receiver/store/pool.ts';
import { startBenchServer } from './bench_server.ts';
import { LARGE_RUN, seedLedger } from './ledger_seed.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    runs: { type: 'string', default: '10000' },
    write: { type: 'boolean', default: false },
  },
});
const TRIES = 3;
const RULE_ROUNDS = 10;
const say = (line: string) => process.stdout.write(`${line}\n`);
const lines: string[] = [];
const note = (what: string, figure: string) => {
  lines.push(`| ${what} | ${figure} |`);
  say(`${what}: ${figure}`);
};

const server = await startBenchServer(values.data);
try {
  await main(server.owner, server.superuser);
} finally {
  await server.remove();
}

async function main(owner: Pool, superuser: Pool): Promise<void> {
  if (!server.isOld) {
    const runs = Number(values.runs);
    await seedLedger(
      server,
      { runs, eventsFactor: 1, largeRunEvents: runs * 100, oneTenant: true, isQuick: true },
      say,
    );
  }
  const { rows } = await superuser.query<{ about: string }>(
    `select to_char((select count(*) from public.run_event_logs), 'FM999,999,999') || ' events, '
       || to_char((select count(*) from public.enrichment_runs), 'FM999,999') || ' runs, '
       || pg_size_pretty(pg_database_size(current_database())) || ', PostgreSQL ' || current_setting('server_version') as about`,
  );
  await measureLargeRun(owner, superuser);
  await measureAudit(owner);
  await measureRules(owner);
  await measureSweeps(owner);
  await measureRetention(owner, superuser);
  if (values.write)
    writeFileSync(fileURLToPath(new URL('./results/ledger.md', import.meta.url)), report(rows[0]?.about ?? ''));
}

async function measureLargeRun(owner: Pool, superuser: Pool): Promise<void> {
  const { tenantId, runId } = LARGE_RUN;
  const derives: number[] = [];
  const audits: number[] = [];
  for (let attempt = 0; attempt < TRIES; attempt++) {
    await superuser.query(
      `insert into runledger.dirty_runs values ($1, $2, now(), now(), 1) on conflict (tenant_id, run_id) do nothing`,
      [tenantId, runId],
    );
    derives.push(await seconds(() => deriveRun(owner, LARGE_RUN, { now: new Date(), force: true })));
    audits.push(await seconds(() => auditEqual(owner, { tenantId, runId })));
  }
  note('derive of the run of a million events', `${median(derives)} s`);
  note('audit of that run', `${median(audits)} s`);
}

async function measureAudit(owner: Pool): Promise<void> {
  note('audit of all runs', `${await seconds(() => auditEqual(owner, {}))} s`);
}

async function auditEqual(owner: Pool, options: { tenantId?: number; runId?: number }): Promise<void> {
  const { difference, runs_checked } = await audit(owner, options);
  if (difference !== 0 || runs_checked === 0)
    throw new Error(`audit: difference ${difference} in ${runs_checked} runs`);
}

async function measureRules(owner: Pool): Promise<void> {
  const { rules } = await inTransaction(owner, (client) => loadRules(client), { readOnly: true });
  for (const rule of rules) {
    const times: number[] = [];
    let found = 0;
    for (let round = 0; round <= RULE_ROUNDS; round++) {
      const spent = await seconds(async () => {
        const findings = await inTransaction(owner, (client) => evaluateRule(client, rule, new Date()), {
          readOnly: true,
        });
        found = findings.length;
      });
      if (round > 0) times.push(spent * 1000);
    }
    note(
      `rule ${rule.rule}`,
      `${Math.round(median(times))} ms, longest ${Math.round(Math.max(...times))}; ${found} findings`,
    );
  }
}

async function measureSweeps(owner: Pool): Promise<void> {
  const log = { info: () => undefined, warn: (fields: object) => say(JSON.stringify(fields)), error: () => undefined };
  const links = { publicUrl: 'http://127.0.0.1:8080', jaegerUiUrl: null };
  for (const which of ['first sweep over all rules', 'next sweep']) {
    let result = '';
    const spent = await seconds(async () => {
      const { fired, resolved, failed } = await sweepAlerts(owner, { log, links });
      if (failed > 0) throw new Error(`${failed} rules could not be judged`);
      result = `${fired} fired, ${resolved} resolved`;
    });
    note(which, `${spent} s; ${result}`);
  }
}

/** Day after day as the job does, but with each part timed. */
async function measureRetention(owner: Pool, superuser: Pool): Promise<void> {
  const { rows } = await superuser.query<{ day: string }>(
    `select to_char(to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD'), 'YYYY-MM-DD') as day from pg_inherits
     where inhparent = 'public.run_event_logs'::regclass order by 1`,
  );
  const spent = { derive: 0, audit: 0, drop: 0 };
  let events = 0;
  let bytes = 0;
  let longestDrop = 0;
  for (const { day } of rows.slice(0, -1)) {
    const now = new Date();
    spent.derive += await seconds(() => deriveDay(owner, day, now));
    let runs: Awaited<ReturnType<typeof auditDay>>['runs'] = [];
    spent.audit += await seconds(async () => {
      const result = await auditDay(owner, day);
      if (result.difference !== 0) throw new Error(`audit of ${day}: difference ${result.difference}`);
      runs = result.runs;
    });
    const drop = await seconds(async () => {
      bytes += (await dropDay(owner, day, runs, now)) ?? 0;
    });
    spent.drop += drop;
    longestDrop = Math.max(longestDrop, drop);
    events += runs.reduce((sum, run) => sum + run.events, 0);
  }
  const days = `${rows.length - 1} days with ${events.toLocaleString('en')} events`;
  note(`retention, ${days}: deriving what was not final`, `${spent.derive.toFixed(1)} s`);
  note('retention: auditing them', `${spent.audit.toFixed(1)} s`);
  note(
    'retention: sealing their runs and dropping them',
    `${spent.drop.toFixed(1)} s, the longest day ${longestDrop.toFixed(2)} s`,
  );
  note('retention: given back to the disk', `${(bytes / 1e9).toFixed(2)} GB`);
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return Math.round(performance.now() - startedMs) / 1000;
}

function median(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[list.length >> 1] ?? Number.NaN;
}

function report(about: string): string {
  return [
    '# A ledger of ten million events of one tenant',
    '',
    `Made by \`npm run bench:ledger\` on ${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores shared with other work, Node ${process.versions.node}; ${about}.`,
    '',
    '| what | time |',
    '|---|---|',
    ...lines,
    '',
    `Median of ${TRIES} for the large run, of ${RULE_ROUNDS} after one to warm up for a rule. Every audit has to find no difference, or the bench ends.`,
    '',
  ].join('\n');
}
