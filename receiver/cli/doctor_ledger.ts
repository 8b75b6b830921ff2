/** What `runledger doctor` looks at in the database: whether it can keep what it is given, and whether anybody works on it. */

import pg from 'pg';
import { pendingMigrations } from '../store/migrate.ts';
import { loadSql } from '../store/sql.ts';
import { findBrokenWall } from '../store/walls.ts';
import type { CommandDatabase } from './database.ts';
import { type Finding, fail, ok, warn } from './doctor_finding.ts';
import { formatCount } from './format.ts';

const CONNECT_MS = 5_000;
const DAYS_AHEAD = 2;
/** Cron ticks each minute; a tick may be late while the machine is busy. */
const TICK_LATE_SECONDS = 180;
const LEFT_OVER_MINUTES = 10;
const TOKEN_ENDS_DAYS = 14;

/** Stops at the first finding without which the later ones would only repeat it. */
export async function examineLedger(database: CommandDatabase): Promise<Finding[]> {
  const owner = database.pool('runledger_owner');
  const findings = [await examineServer(database)];
  const pending = await pendingMigrations(database.databaseUrl);
  if (pending.length > 0) {
    const some = `${pending.slice(0, 3).join(', ')}${pending.length > 3 ? ', ...' : ''}`;
    findings.push(fail('schema', `${pending.length} migrations are missing: ${some}`, 'Run: runledger migrate'));
    return findings;
  }
  findings.push(ok('schema', 'migrated to this version'));
  const operators = database.pool('runledger_operator');
  findings.push(await examineWalls(database.pool('runledger_reader')));
  findings.push(await examineDays(owner), await examineJobs(owner));
  findings.push(await examineTokens(operators), ...(await examineIngest(operators)));
  return findings;
}

interface ServerRow {
  version: string;
  fsync: boolean;
  full_page_writes: boolean;
  synchronous_commit: boolean;
  size: string;
}

/** As the login itself: the roles may not be there yet. */
async function examineServer({ databaseUrl }: CommandDatabase): Promise<Finding> {
  const login = new pg.Pool({ connectionString: databaseUrl, max: 1, connectionTimeoutMillis: CONNECT_MS });
  const server = await one<ServerRow>(login, 'queries/doctor/server').finally(() => login.end());
  const off = (['fsync', 'full_page_writes', 'synchronous_commit'] as const).filter((name) => !server[name]);
  const says = `PostgreSQL ${server.version}, ${server.size}`;
  if (off.length === 0) return ok('database', says);
  return warn(
    'database',
    `${says}, with ${off.join(' and ')} off: spans that were acknowledged can be lost when the server dies`,
    `Set ${off.map((name) => `${name} = on`).join(', ')} in postgresql.conf, unless this is a test`,
  );
}

async function examineWalls(readers: pg.Pool): Promise<Finding> {
  const broken = await findBrokenWall(readers);
  if (broken === null) return ok('tenant walls', 'the reader sees nothing while no tenant is set');
  return fail(
    'tenant walls',
    broken,
    'Take what was granted to runledger_reader back (superuser, BYPASSRLS, extra policies), then run: runledger migrate',
  );
}

async function examineDays(owner: pg.Pool): Promise<Finding> {
  const { rows } = await owner.query<{ day: string }>(loadSql('queries/doctor/missing_days'), [DAYS_AHEAD]);
  if (rows.length === 0) return ok('partitions', `made for today and ${DAYS_AHEAD} days ahead`);
  return warn(
    'partitions',
    `none yet for ${rows.map(({ day }) => day).join(', ')}; the first span of such a day waits until one is made`,
    'Run: runledger job run ensure_partitions; `runledger start` does it each night',
  );
}

interface JobsRow {
  last_tick_seconds: number | null;
  known_seconds: number | null;
  failed: string[];
}

async function examineJobs(owner: pg.Pool): Promise<Finding> {
  const start = 'Start a receiver on this database: runledger start';
  let jobs: JobsRow;
  try {
    jobs = await one<JobsRow>(owner, 'queries/doctor/jobs');
  } catch (error) {
    // Its tables are made by the first start.
    if ((error as { code?: unknown }).code === '42P01')
      return fail('jobs', 'they have never run on this database', start);
    throw error;
  }
  const { last_tick_seconds: last, known_seconds: known, failed } = jobs;
  if (last === null && (known ?? 0) <= TICK_LATE_SECONDS) return ok('jobs', 'started a moment ago');
  if (last === null || last > TICK_LATE_SECONDS) {
    const since = last === null ? 'never ran' : `last ran ${formatCount(Math.round(last / 60))} minutes ago`;
    return fail('jobs', `${since}: nothing is derived, no alert is judged`, start);
  }
  if (failed.length === 0) return ok('jobs', 'the clock ticks and no job waits with an error');
  return warn('jobs', `failed at their last try: ${failed.join(', ')}`, `Run: runledger job run ${failed[0]}`);
}

async function examineTokens(operators: pg.Pool): Promise<Finding> {
  const { rows } = await operators.query<{ kind: string; active: number; ending: number }>(
    loadSql('queries/doctor/tokens'),
    [TOKEN_ENDS_DAYS],
  );
  const kinds = rows.map(({ kind, active }) => `${active} ${kind}`).join(', ');
  if (!rows.some(({ kind }) => kind === 'ingest' || kind === 'tenant'))
    return fail('tokens', 'there is none that may send', 'Run: runledger token create --kind ingest');
  const ending = rows.reduce((sum, row) => sum + row.ending, 0);
  if (ending === 0) return ok('tokens', kinds);
  return warn('tokens', `${ending} of ${kinds} end within ${TOKEN_ENDS_DAYS} days`, 'Run: runledger token list');
}

interface IngestRow {
  refused: Record<string, number>;
  held: Record<string, { requests: number; tenants: number }>;
  parked: number;
  overdue: number;
  incomplete: number;
}

async function examineIngest(operators: pg.Pool): Promise<Finding[]> {
  const row = await one<IngestRow>(operators, 'queries/doctor/ingest', [LEFT_OVER_MINUTES]);
  const reasons = Object.entries(row.refused).map(([reason, spans]) => `${reason} ${formatCount(spans)}`);
  const findings = [
    reasons.length === 0
      ? ok('refusals', 'none today and yesterday')
      : warn('refusals', `today and yesterday: ${reasons.join(', ')}`, 'docs/troubleshooting.md says what each means'),
    row.parked === 0
      ? ok('parked spans', `none waits for longer than ${LEFT_OVER_MINUTES} minutes`)
      : warn(
          'parked spans',
          `${formatCount(row.parked)} wait for the root of their trace, and are dropped after 24 hours`,
          'Put runledger.run.id on every span of the services whose root span is elsewhere',
        ),
    row.overdue === 0
      ? ok('percentiles', 'no run waits for its own')
      : fail(
          'percentiles',
          row.overdue === 1 ? '1 run waits for its own' : `${formatCount(row.overdue)} runs wait for theirs`,
          'Run: runledger job run derive_due',
        ),
  ];
  const held = Object.entries(row.held).map(
    ([quota, { requests, tenants }]) =>
      `${quota} ${formatCount(requests)} requests of ${tenants === 1 ? '1 tenant' : `${tenants} tenants`}`,
  );
  if (held.length > 0) {
    const advice = 'Their senders come again; if they give up, raise it: runledger tenant quota TENANT';
    findings.push(warn('quotas', `sent back until later today: ${held.join(', ')}`, advice));
  }
  if (row.incomplete > 0) {
    const says = `${formatCount(row.incomplete)} of the last day lack spans that their pipeline says it sent`;
    findings.push(warn('complete runs', says, 'Ask the pipeline for its losses, and the Collector for its queue'));
  }
  return findings;
}

async function one<R extends pg.QueryResultRow>(pool: pg.Pool, name: string, values: unknown[] = []): Promise<R> {
  const { rows } = await pool.query<R>(loadSql(name), values);
  const row = rows[0];
  if (row === undefined) throw new Error(`${name} gave no row`);
  return row;
}
