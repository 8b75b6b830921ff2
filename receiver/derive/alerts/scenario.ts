/**
 * The scenario: a scratch database on the same server, the story sent through the real path of ingest, derived and reviewed, and every rule
 * tried on it. The database is gone afterwards, whatever happened. Nothing outside of it is touched.
 */

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { decodeTraces } from '../../decode/decode.ts';
import { createMapper, type Mapper } from '../../map/map.ts';
import { errorCode } from '../../store/errors.ts';
import { migrate } from '../../store/migrate.ts';
import { createPool, inTransaction } from '../../store/pool.ts';
import { createSnapshotSource } from '../../store/snapshot.ts';
import { loadSql } from '../../store/sql.ts';
import { registerTenants, renameTenant } from '../../store/tenants.ts';
import { createWriter, type Writer } from '../../write/writer.ts';
import { abandonSilentRuns } from '../abandon.ts';
import { deriveDue } from '../derive_due.ts';
import { planExpectedRuns } from './expected_runs.ts';
import type { MessageLinks } from './message.ts';
import { requestOf, troubleOf } from './scenario_spans.ts';
import {
  ACME,
  BAD_NIGHT,
  ENVIRONMENT,
  GLOBEX,
  STORY_FROM,
  STORY_TO,
  type StoryNight,
  TENANT_NAMES,
  tellStory,
} from './scenario_story.ts';
import { setSchedule } from './schedules.ts';
import { setOverride } from './set_rule.ts';
import { type Simulation, simulate } from './simulate.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const QUIET = { warn: () => undefined };
const CHANNEL = 'ops';

/** The scratch database cannot be made: what to change. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

export interface ScenarioOptions {
  /** A server on which this login may create databases. */
  databaseUrl: string;
  links: MessageLinks;
  onProgress?(what: string, done: number, total: number): void;
}

/** Tells the story and tries all rules on it. @throws ScenarioError */
export async function simulateScenario(options: ScenarioOptions): Promise<Simulation & { from: string; to: string }> {
  return withScratch(options.databaseUrl, async (databaseUrl) => {
    options.onProgress?.('making a scratch database', 0, 1);
    await migrate({ databaseUrl });
    await tellTo(databaseUrl, (done, total) => options.onProgress?.('telling the story', done, total));
    const owner = createPool({ databaseUrl, role: 'runledger_owner', maxConnections: 2 });
    try {
      const simulation = await simulate(owner, {
        from: STORY_FROM,
        to: STORY_TO,
        tenantId: null,
        rule: null,
        // Days and months end at midnight; all else is looked at when it happens.
        stepMinutes: 360,
        links: options.links,
        onProgress: (done, total) => options.onProgress?.('trying the rules', done, total),
      });
      return { from: STORY_FROM.toISOString(), to: STORY_TO.toISOString(), ...simulation };
    } finally {
      await owner.end();
    }
  });
}

async function withScratch<T>(serverUrl: string, work: (databaseUrl: string) => Promise<T>): Promise<T> {
  const name = `runledger_scenario_${randomBytes(4).toString('hex')}`;
  try {
    await onServer(serverUrl, 'queries/alerts/create_scratch', name);
  } catch (error) {
    if (errorCode(error) !== '42501') throw error;
    throw new ScenarioError(
      'The scenario needs a scratch database, and this login may not create one\nGive it the right (alter role NAME createdb), or run it without DATABASE_URL: then the embedded server is used',
      { cause: error },
    );
  }
  try {
    const url = new URL(serverUrl);
    url.pathname = `/${name}`;
    return await work(url.href);
  } finally {
    await onServer(serverUrl, 'queries/alerts/drop_scratch', name);
  }
}

async function onServer(
  serverUrl: string,
  sql: 'queries/alerts/create_scratch' | 'queries/alerts/drop_scratch',
  name: string,
): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(loadSql(sql).replace(/^.*\n/, '').replace(':name', pg.escapeIdentifier(name)));
  } finally {
    await client.end();
  }
}

/**
 * Tells the story to a migrated database that holds nothing yet: spans by decode, map and write with the story's clock, the rows that people
 * and jobs make by their own functions.
 */
export async function tellTo(
  databaseUrl: string,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<void> {
  const owner = createPool({ databaseUrl, role: 'runledger_owner', maxConnections: 4 });
  const ingest = createPool({ databaseUrl, role: 'runledger_ingest', maxConnections: 4 });
  const writer = await createWriter({ pool: ingest });
  try {
    await prepare(owner, ingest);
    const mapper = await readMapper(ingest);
    const story = tellStory();
    for (const [index, night] of story.entries()) {
      onProgress(index, story.length);
      await playNight(night, owner, writer, mapper);
    }
    await plan(owner, STORY_TO);
  } finally {
    await writer.close();
    await Promise.all([owner.end(), ingest.end()]);
  }
}

async function readMapper(ingest: pg.Pool): Promise<Mapper> {
  const snapshots = await createSnapshotSource(ingest, { linkHosts: ['smith.langchain.com'] });
  snapshots.close();
  return createMapper(snapshots.current());
}

/** Tenants, schedules, budgets and limits, as an operator sets them. */
async function prepare(owner: pg.Pool, ingest: pg.Pool): Promise<void> {
  await registerTenants(ingest, Object.keys(TENANT_NAMES));
  for (const [tenantId, name] of Object.entries(TENANT_NAMES)) await renameTenant(owner, Number(tenantId), name);
  const since = new Date(STORY_FROM.getTime() - DAY_MS / 2);
  const schedule = {
    environment: ENVIRONMENT,
    timezone: 'UTC',
    startGraceSeconds: 900,
    runLimitSeconds: null,
    minimumSeconds: null,
    exceptDays: [],
    enabled: true,
  };
  for (const tenantId of [ACME, GLOBEX]) {
    const own = { ...schedule, tenantId };
    await setSchedule(owner, { ...own, pipeline: 'nightly', cron: '0 2 * * *' }, since);
    await setSchedule(owner, { ...own, pipeline: 'import', cron: '0 4 * * *', runLimitSeconds: 3_600 }, since);
    await setSchedule(owner, { ...own, pipeline: 'digest', cron: '0 6 * * *' }, since);
  }
  await plan(owner, since);
  await inTransaction(owner, async (client) => {
    const everywhere = { pipeline: '' };
    const budget = { ...everywhere, rule: 'cost_budget' };
    await setOverride(client, { ...budget, tenantId: ACME, parameters: { per_run_usd: 6, per_month_usd: 30 } });
    await setOverride(client, { ...budget, tenantId: GLOBEX, parameters: { per_day_usd: 8 } });
    const levels = { ...everywhere, rule: 'service_levels', tenantId: ACME };
    await setOverride(client, { ...levels, parameters: { minimum_runs: 10 } });
  });
  await owner.query(loadSql('queries/alerts/scenario_channel'), [ACME, CHANNEL]);
}

async function playNight(night: StoryNight, owner: pg.Pool, writer: Writer, mapper: Mapper): Promise<void> {
  const startedAt = new Date();
  const over = new Date(night.day.getTime() + 8 * HOUR_MS);
  // One run after the other, so that ids are the same at every telling.
  for (const run of night.runs) await send(requestOf([run]), over, writer, mapper);
  const [first] = night.runs;
  if (night.isBad && first !== undefined) {
    await send(troubleOf(first), over, writer, mapper);
    const counted = [startedAt, new Date()].map((time) => time.toISOString().slice(0, 10));
    for (const day of new Set(counted)) await owner.query(loadSql('queries/alerts/scenario_refused'), [night.day, day]);
  }
  await owner.query(loadSql('queries/alerts/scenario_received'), [startedAt]);
  await abandonSilentRuns(owner, over);
  await deriveDue(owner, { all: true });
  await afterNight(night, owner);
}

async function send(body: Uint8Array, at: Date, writer: Writer, mapper: Mapper): Promise<void> {
  for (const chunk of decodeTraces(body, 'json'))
    await writer.write(mapper.spans(chunk, { kind: 'ingest' }, at.getTime() * 1000));
}

/** What people and jobs do in the morning. */
async function afterNight({ day, runs, isBad }: StoryNight, owner: pg.Pool): Promise<void> {
  const at = (hour: number) => new Date(day.getTime() + hour * HOUR_MS);
  for (const { tenantId, runKey, pipeline } of runs.filter((run) => run.pipeline === 'nightly')) {
    const failing = isBad && tenantId === ACME && pipeline === 'nightly' ? 9 : 0;
    await owner.query(loadSql('queries/alerts/scenario_reviews'), [tenantId, runKey, failing, at(9)]);
  }
  const fromBadMs = day.getTime() - BAD_NIGHT.getTime();
  // The audit before the bad night is not made, that of the bad night late.
  if (fromBadMs !== -DAY_MS)
    await owner.query(loadSql('queries/alerts/scenario_audit'), [at(isBad ? 7 : 3.5), isBad ? 2 : 0]);
  const isAfter = fromBadMs === DAY_MS;
  if (isBad || isAfter) {
    const outcome = isBad ? ['dead', 'HTTP 500'] : ['sent', null];
    await owner.query(loadSql('queries/alerts/scenario_delivery'), [ACME, CHANNEL, at(3), ...outcome]);
  }
  await plan(owner, at(12));
}

async function plan(owner: pg.Pool, now: Date): Promise<void> {
  await planExpectedRuns(owner, { now, log: QUIET });
}
