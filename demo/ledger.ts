/**
 * The ledger that the demo sends to: a receiver that already runs on this database, else the whole product, started here. Then what the
 * ledger has of the runs, derived at once instead of after the usual wait.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { CliContext } from '../receiver/cli/command.ts';
import { findServer } from '../receiver/cli/database.ts';
import { CliError, EXIT } from '../receiver/cli/exit.ts';
import { type RunPageData, readRunPage } from '../receiver/cli/run_data.ts';
import type { Config } from '../receiver/config.ts';
import { secretValues } from '../receiver/config.ts';
import { type ListedAlert, listAlerts } from '../receiver/derive/alerts/acts.ts';
import { sweepAlerts } from '../receiver/derive/alerts/sweep.ts';
import { type AuditResult, audit } from '../receiver/derive/audit.ts';
import { deriveRun } from '../receiver/derive/derive_run.ts';
import { createLog } from '../receiver/log.ts';
import { startReceiver } from '../receiver/main.ts';
import { operatorScope } from '../receiver/serve/access.ts';
import { readRuns } from '../receiver/serve/read.ts';
import type { ListedRun, RunPage } from '../receiver/serve/shape.ts';
import { migrate } from '../receiver/store/migrate.ts';
import { createPool, type DatabaseRole } from '../receiver/store/pool.ts';
import { listTenants, registerTenants, renameTenant } from '../receiver/store/tenants.ts';
import { createToken, type NewToken, revokeToken } from '../receiver/store/tokens.ts';
import { DEMO_TENANTS } from './companies.ts';
import type { PlayedRun } from './perform.ts';
import { PIPELINE } from './pipeline.ts';

export interface DemoLedger {
  databaseUrl: string;
  otlpUrl: string;
  apiUrl: string;
  /** May send for all tenants. This and the next are for this demo only, and taken back when the ledger is closed. */
  token: string;
  /** Of each tenant: may read its own runs. */
  readTokens: ReadonlyMap<number, string>;
  /** Whether this process started the receiver, which then ends with it. */
  isOurs: boolean;
  /** Opens the dashboard, signed in where this process started the receiver. */
  dashboardLink(): string;
  close(): Promise<void>;
}

type Pool = ReturnType<typeof createPool>;

/** A receiver asks for new tenants every two seconds. */
const TENANTS_KNOWN_MS = 2_500;
const TOKEN_LIFE_MS = 3_600_000;

export async function openDemoLedger(config: Config, context: CliContext): Promise<DemoLedger> {
  const server = await findServer(config, context, { creates: true });
  const closing: (() => Promise<unknown>)[] = [() => server.stop()];
  const close = async () => {
    for (let step = closing.pop(); step !== undefined; step = closing.pop()) await step();
  };
  try {
    const { databaseUrl } = server;
    await migrate({ databaseUrl, log: () => undefined });
    const prepared = await prepare(databaseUrl);
    closing.push(prepared.takeBack);
    const places = { databaseUrl, token: prepared.token, readTokens: prepared.readTokens, close };
    const running = { otlpUrl: urlOf(config, config.otlpHttpPort), apiUrl: urlOf(config, config.httpPort) };
    // One that knows the token that was made just now works on this very database.
    if ((await probeOtlp(running.otlpUrl, prepared.token)) === 200) {
      if (prepared.hasNewTenants) await sleep(TENANTS_KNOWN_MS);
      return { ...places, ...running, isOurs: false, dashboardLink: () => `${running.apiUrl}/ui/` };
    }
    const log = createLog({ level: 'warn', secrets: secretValues(config), stream: process.stderr });
    const receiver = await startReceiver(config, { log, version: context.version });
    closing.push(() => receiver.stop());
    const { otlpHttp: otlpUrl, api: apiUrl } = receiver.urls;
    return { ...places, otlpUrl, apiUrl, isOurs: true, dashboardLink: () => receiver.signInLink() ?? `${apiUrl}/ui/` };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Prepared {
  token: string;
  readTokens: Map<number, string>;
  hasNewTenants: boolean;
  takeBack(): Promise<void>;
}

/** Registers the demo's tenants, and makes the tokens for this demo. */
function prepare(databaseUrl: string): Promise<Prepared> {
  return withPool(databaseUrl, 'runledger_operator', async (pool) => {
    const hasNewTenants = await registerDemoTenants(pool);
    const tokenIds: number[] = [];
    const make = async (request: Pick<NewToken, 'kind' | 'tenantId' | 'scopes'>) => {
      const expiresAt = new Date(Date.now() + TOKEN_LIFE_MS);
      const { token, tokenId } = await createToken(pool, { ...request, name: 'runledger demo', expiresAt });
      tokenIds.push(tokenId);
      return token;
    };
    // Both tenants' pipelines run in one process, which sends with one token; each tenant reads with its own.
    const token = await make({ kind: 'ingest' });
    const readTokens = new Map<number, string>();
    for (const { tenantId } of DEMO_TENANTS) {
      readTokens.set(tenantId, await make({ kind: 'tenant', tenantId, scopes: ['read'] }));
    }
    const takeBack = () =>
      withPool(databaseUrl, 'runledger_operator', async (again) => {
        for (const tokenId of tokenIds) await revokeToken(again, tokenId);
      });
    return { token, readTokens, hasNewTenants, takeBack };
  });
}

/** @returns whether there were any to register */
async function registerDemoTenants(pool: Pool): Promise<boolean> {
  const known = new Map((await listTenants(pool)).map((tenant) => [tenant.tenantId, tenant]));
  for (const { tenantId, name } of DEMO_TENANTS) {
    const there = known.get(tenantId);
    if (there !== undefined && ((there.name ?? name) !== name || there.status !== 'active')) throw taken(there.name);
  }
  const missing = DEMO_TENANTS.filter(({ tenantId }) => !known.has(tenantId));
  await registerTenants(
    pool,
    missing.map(({ tenantId }) => String(tenantId)),
  );
  // Only tenants that the demo has brought get its names: one that was there under its number stays as it is.
  for (const { tenantId, name } of missing) await renameTenant(pool, tenantId, name);
  return missing.length > 0;
}

function taken(name: string | null): CliError {
  const numbers = DEMO_TENANTS.map(({ tenantId }) => tenantId).join(' and ');
  return new CliError(
    EXIT.no,
    `The demo uses the tenants ${numbers}, and this ledger has others under these numbers${name === null ? '' : ` (${name})`}\n` +
      'Give the demo a folder of its own: runledger demo --data-dir .runledger-demo',
  );
}

/**
 * Asks an OTLP port what it says to a request without spans.
 * @returns the HTTP status (200 from a receiver or collector that takes this token), or null when nobody answers there
 */
export async function probeOtlp(otlpUrl: string, token: string): Promise<number | null> {
  try {
    const response = await fetch(`${otlpUrl.replace(/\/+$/, '')}/v1/traces`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{}',
      signal: AbortSignal.timeout(3_000),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    // Nobody listens there, or something that does not speak HTTP; starting will say so if the port is in the way.
    return null;
  }
}

function urlOf({ host }: Config, port: number): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') && !reachable.startsWith('[') ? `[${reachable}]` : reachable}:${port}`;
}

export interface LedgerView {
  /** The played runs, oldest first. */
  listed: ListedRun[];
  /** One for each played run, in its order. */
  pages: RunPageData[];
  audit: AuditResult;
}

/** Derives the played runs now and reads what the ledger has of them. */
export async function readLedger(
  databaseUrl: string,
  runs: readonly PlayedRun[],
  jaegerUiUrl: string | null = null,
): Promise<LedgerView> {
  const pages = () =>
    withPool(databaseUrl, 'runledger_operator', (pool) =>
      operatorScope(pool).read(async (client) => {
        const found: RunPageData[] = [];
        for (const { tally } of runs)
          found.push(await readRunPage(client, tally.runKey, String(tally.tenantId), jaegerUiUrl));
        return found;
      }),
    );
  const ids = (await pages()).map(({ run }) => ({ tenantId: run.tenant_id, runId: run.run_id }));
  const result = await withPool(databaseUrl, 'runledger_owner', async (pool) => {
    for (const run of ids) {
      const derive = () => deriveRun(pool, run, { now: new Date(), force: true });
      // A receiver may be deriving it at this moment.
      for (let outcome = await derive(); outcome === 'busy' || outcome === 'changed'; outcome = await derive())
        await sleep(50);
    }
    return audit(pool);
  });
  return { listed: await listRuns(databaseUrl, runs), pages: await pages(), audit: result };
}

/** Judges all rules now instead of within five minutes. @returns the open alerts of the demo's tenants */
export async function judgeRules({ databaseUrl, publicUrl, jaegerUiUrl }: JudgedLedger): Promise<ListedAlert[]> {
  const log = createLog({ level: 'warn', stream: process.stderr });
  await withPool(databaseUrl, 'runledger_owner', (pool) =>
    sweepAlerts(pool, { links: { publicUrl, jaegerUiUrl }, log }),
  );
  return withPool(databaseUrl, 'runledger_operator', async (pool) => {
    const open = { withResolved: false, limit: 50 };
    const lists = await Promise.all(DEMO_TENANTS.map(({ tenantId }) => listAlerts(pool, { tenantId, ...open })));
    return lists.flat();
  });
}

interface JudgedLedger {
  databaseUrl: string;
  publicUrl: string;
  jaegerUiUrl: string | null;
}

/** The played runs as `runledger runs` lists them, oldest first, out of however many the ledger has. */
function listRuns(databaseUrl: string, runs: readonly PlayedRun[]): Promise<ListedRun[]> {
  const keys = new Set(runs.map(({ tally }) => tally.runKey));
  return withPool(databaseUrl, 'runledger_operator', async (pool) => {
    const found: ListedRun[] = [];
    let cursor: string | null = '';
    while (cursor !== null && found.length < keys.size) {
      const place: { cursor?: string } = cursor === '' ? {} : { cursor };
      const filter = { tenantId: null, pipeline: PIPELINE, limit: 200, ...place };
      const page: RunPage = await operatorScope(pool).read((client) => readRuns(client, filter));
      found.push(...page.runs.filter((run) => run.run_key !== null && keys.has(run.run_key)));
      cursor = page.next_cursor;
    }
    return found.reverse();
  });
}

async function withPool<T>(databaseUrl: string, role: DatabaseRole, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = createPool({ databaseUrl, role, maxConnections: 2 });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}
