/**
 * Wiring, and the order of start and end. Start: database, tables, tokens, snapshot, writer, jobs, API, and OTLP last; the end goes the
 * other way, so that whatever was accepted is committed before its connections close.
 */

import { createServer } from 'node:http';
import type pg from 'pg';
import { countDataPoints } from './accept.ts';
import { type Closing, createClosing } from './closing.ts';
import { type Config, isLoopback } from './config.ts';
import { ensureEnvironmentChannel } from './derive/delivery/environment_channel.ts';
import { createChannelTester } from './derive/delivery/try_channel.ts';
import { startJobs } from './derive/scheduler.ts';
import { startEmbedded } from './embedded/start.ts';
import { ensureFirstTokens, type FirstToken, reportTokens } from './first_tokens.ts';
import { createGrpcServer } from './grpc.ts';
import { createBodyBudget } from './inflight.ts';
import { createIngest } from './ingest.ts';
import type { Ingest } from './ingest_types.ts';
import { LIMITS } from './limits.ts';
import { assertPortsFree, closeServer, type Endpoint, listen } from './listen.ts';
import type { Logger } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createReadiness, type Readiness } from './readiness.ts';
import { createReceived } from './received.ts';
import { createApi } from './serve/api.ts';
import { createSignInCodes } from './serve/sign_in_codes.ts';
import { createStoredKey } from './serve/stored_key.ts';
import { createOtlpApp, createOtlpServer } from './server.ts';
import { createSpanRates } from './span_rate.ts';
import { migrate } from './store/migrate.ts';
import { ensurePartitions } from './store/partitions.ts';
import { createPool, type DatabaseRole } from './store/pool.ts';
import { createQuotaHolds, type QuotaHolds } from './store/quota_holds.ts';
import { createSnapshotSource, type SnapshotSource } from './store/snapshot.ts';
import { loadSql } from './store/sql.ts';
import { registerTenants } from './store/tenants.ts';
import { createTokenVerifier, type TokenVerifier } from './store/token_verifier.ts';
import { createFailureLog, tellingRefusals } from './throttle.ts';
import { createWriter, type Writer } from './write/writer.ts';

export interface Receiver {
  urls: { otlpHttp: string; otlpGrpc: string; api: string };
  /** Those of the configuration, and those made at the first start. */
  tokens: readonly FirstToken[];
  /** Holds the password of an embedded server. */
  databaseUrl: string;
  /** Opens the dashboard as admin, once and within 15 minutes: for a terminal, never for a log. null: the admin token is not known here. */
  signInLink(): string | null;
  /** Finishes the requests in flight, then closes everything. May be called twice. Never rejects. */
  stop(): Promise<void>;
}

export interface ReceiverOptions {
  log: Logger;
  version: string;
}

/** Two group transactions, and the short statements beside them: ids, names, partitions, tokens, snapshot. */
const INGEST_CONNECTIONS = 6;
const API_CONNECTIONS = 4;
/** Of the whole shutdown, the time that requests in flight get. */
const FINISH_MS = 8_000;
const PARTITION_DAYS_AHEAD = 3;
const DAY_MS = 86_400_000;
const PARKED_EVERY_MS = 15_000;
const PARKED_COUNT_MAX = 1_000_000;

/**
 * Starts everything, or nothing: what was opened is closed again when a later step fails.
 * @throws StartError, ConfigError, EmbeddedError, AdministratorNeededError, ForeignTableError: each says what to change; or the
 * database's error
 */
export async function startReceiver(config: Config, options: ReceiverOptions): Promise<Receiver> {
  const closing = createClosing(options.log);
  try {
    return await start(config, options, closing);
  } catch (error) {
    await closing.close();
    throw error;
  }
}

async function start(config: Config, { log, version }: ReceiverOptions, closing: Closing): Promise<Receiver> {
  const otlpEndpoint = endpoint(config, config.otlpHttpPort, 'RUNLEDGER_OTLP_HTTP_PORT');
  const grpcEndpoint = endpoint(config, config.otlpGrpcPort, 'RUNLEDGER_OTLP_GRPC_PORT');
  const apiEndpoint = endpoint(config, config.httpPort, 'RUNLEDGER_HTTP_PORT');
  await assertPortsFree([otlpEndpoint, grpcEndpoint, apiEndpoint]);
  if (!isLoopback(config.host)) {
    log.warn({ host: config.host }, 'listening beyond this machine: put TLS in front, tokens travel in the clear');
  }
  const ledger = await openLedger(config, log, closing);
  const received = createReceived();
  const metrics = received.counting(createMetrics());
  closing.add('metrics', () => metrics.stop());
  const writer = await openWriter(config, ledger, metrics, log, closing);
  const budget = createBodyBudget(LIMITS.inFlightBodyBytes);
  metrics.watch({ queueRows: () => writer.waitingRows(), bodyBytesInFlight: () => budget.held() });
  const readiness = createReadiness({
    readers: ledger.readers,
    queueRows: () => writer.waitingRows(),
    queueRowsMax: LIMITS.queuedRows,
  });
  const verifyToken = (token: string) => ledger.verifier.verify(token);
  const signInCodes = createSignInCodes();

  const api = createServer(
    createApi({
      readers: ledger.readers,
      operators: ledger.operators,
      verifyToken,
      readiness,
      metrics: (request, response) => metrics.handler(request, response),
      bindHost: config.host,
      jaegerUiUrl: config.jaegerUiUrl,
      storedKey: createStoredKey(ledger.snapshots.current().privacyKey),
      receiverHealth: () => ({ ...received.read(), queue_rows: writer.waitingRows() }),
      signals: { write: (chunk) => writer.write(chunk), snapshot: () => ledger.snapshots.current() },
      signInCodes,
      testChannel: createChannelTester(ledger.databaseUrl),
      oidc: config.oidc && { settings: config.oidc, privacyKey: ledger.snapshots.current().privacyKey },
      version,
      log,
    }),
  );
  closing.add('API', () => closeServer(api, FINISH_MS / 2));
  const holds = createQuotaHolds(ledger.ingestPool, (message) => log.warn(message));
  closing.add('notes of quotas', () => holds.close());
  const shared = {
    ingest: openIngest(config, ledger, writer, tellingRefusals(metrics, log), holds),
    checkMetrics: countDataPoints,
    verifyToken,
    budget,
    isDraining: () => readiness.isDraining(),
    onFailure: createFailureLog(log),
  };
  const otlp = createOtlpServer(createOtlpApp({ ...shared, onAnswer: metrics.answered }));
  const grpc = createGrpcServer({ ...shared, onAnswer: metrics.answeredGrpc });
  // Both at once, because the time to finish is one for both.
  closing.add('OTLP', () => Promise.all([closeServer(otlp, FINISH_MS), grpc.close(FINISH_MS)]));
  const urls = {
    api: await listen(api, apiEndpoint),
    otlpGrpc: await listen(grpc.listener, grpcEndpoint),
    otlpHttp: await listen(otlp, otlpEndpoint),
  };
  log.info(urls, 'ready');
  return {
    urls,
    tokens: ledger.tokens,
    databaseUrl: ledger.databaseUrl,
    signInLink() {
      const admin = ledger.tokens.find(({ kind, outcome }) => kind === 'admin' && outcome !== 'revoked')?.token ?? null;
      return admin === null ? null : `${urls.api}/ui/sign-in#code=${signInCodes.issue(admin)}`;
    },
    stop: () => stop(readiness, closing, log),
  };
}

async function stop(readiness: Readiness, closing: Closing, log: Logger): Promise<void> {
  if (!readiness.isDraining()) log.info('stopping: finishing the requests in flight');
  readiness.drain();
  await closing.close();
}

/** The database, migrated, with everything that is read from it at start. */
interface Ledger {
  databaseUrl: string;
  ingestPool: pg.Pool;
  readers: pg.Pool;
  operators: pg.Pool;
  tokens: FirstToken[];
  verifier: TokenVerifier;
  snapshots: SnapshotSource;
}

async function openLedger(config: Config, log: Logger, closing: Closing): Promise<Ledger> {
  const warn = (message: string) => log.warn(message);
  const databaseUrl = await openDatabase(config, log, closing);
  const { applied } = await migrate({ databaseUrl, log: (message) => log.info(message) });
  if (applied.length > 0) log.info({ applied: applied.length }, 'database migrated');
  const openPool = poolOpener(databaseUrl, log, closing);
  const ingestPool = openPool('runledger_ingest', INGEST_CONNECTIONS);
  const readers = openPool('runledger_reader', API_CONNECTIONS);
  const operators = openPool('runledger_operator', API_CONNECTIONS);
  const tokens = await ensureFirstTokens(config, operators);
  reportTokens(tokens, log);
  await ensureEnvironmentChannel(operators, config.slackWebhookUrl, log);
  const verifier = createTokenVerifier(ingestPool, { log: warn });
  closing.add('token verifier', () => verifier.close());
  const { linkHosts, eventRetentionDays: retentionDays } = config;
  const snapshots = await createSnapshotSource(ingestPool, { linkHosts, retentionDays, log: warn });
  closing.add('snapshot', () => snapshots.close());
  return { databaseUrl, ingestPool, readers, operators, tokens, verifier, snapshots };
}

async function openWriter(
  config: Config,
  ledger: Ledger,
  metrics: Metrics,
  log: Logger,
  closing: Closing,
): Promise<Writer> {
  const { databaseUrl, ingestPool, operators } = ledger;
  const writer = await createWriter({
    pool: ingestPool,
    quotas: () => ledger.snapshots.quotas(),
    observer: {
      groupCommitted(result, rows, durationSeconds) {
        metrics.committed(durationSeconds, rows);
        metrics.duplicateRows(result.duplicates);
        metrics.conflicts(result.conflicts);
      },
    },
    log: (message) => log.warn(message),
  });
  closing.add('writer', () => writer.close());
  const makePartitions = () => ensurePartitions(ingestPool, daysAhead(Date.now()));
  await makePartitions();
  const { eventRetentionDays, qaRetentionDays, publicUrl, jaegerUiUrl } = config;
  const jobs = await startJobs({
    databaseUrl,
    log,
    writer,
    ensurePartitions: makePartitions,
    eventRetentionDays,
    qaRetentionDays,
    links: { publicUrl, jaegerUiUrl },
  });
  closing.add('jobs', () => jobs.stop());
  watchParked(operators, metrics, log, closing);
  return writer;
}

function openIngest(config: Config, ledger: Ledger, writer: Writer, metrics: Metrics, holds: QuotaHolds): Ingest {
  const { ingestPool, snapshots } = ledger;
  return createIngest({
    writer,
    snapshot: () => snapshots.current(),
    registerTenants: config.tenantAutocreate
      ? async (names) => {
          await registerTenants(ingestPool, names);
          await snapshots.refresh();
        }
      : null,
    refreshTenants: (arrivedMs) => snapshots.readSince(arrivedMs),
    rates: createSpanRates(() => snapshots.quotas()),
    observer: {
      held(quota, tenantId) {
        metrics.held(quota);
        holds.add(quota, tenantId);
      },
      accepted: (signal, records) =>
        signal === 'traces' ? metrics.acceptedSpans(records) : metrics.acceptedLogs(records),
      refused: (reason, records) => metrics.refused(reason, records),
    },
  });
}

function endpoint(config: Config, port: number, variable: Endpoint['variable']): Endpoint {
  return { host: config.host, port, variable };
}

async function openDatabase(config: Config, log: Logger, closing: Closing): Promise<string> {
  if (config.databaseUrl !== null) return config.databaseUrl;
  const embedded = await startEmbedded({ dataDir: config.dataDir, log: (message) => log.info(message) });
  closing.add('embedded PostgreSQL', () => embedded.stop());
  return embedded.databaseUrl;
}

function poolOpener(databaseUrl: string, log: Logger, closing: Closing) {
  return (role: DatabaseRole, maxConnections: number): pg.Pool => {
    const pool = createPool({ databaseUrl, role, maxConnections, log: (message) => log.warn({ role }, message) });
    closing.add(`connections of ${role}`, () => pool.end());
    return pool;
  };
}

/** Yesterday too: a night's spans come after midnight. UTC days as YYYY-MM-DD. */
function daysAhead(nowMs: number): string[] {
  return Array.from({ length: PARTITION_DAYS_AHEAD + 2 }, (_, index) =>
    new Date(nowMs + (index - 1) * DAY_MS).toISOString().slice(0, 10),
  );
}

function watchParked(operators: pg.Pool, metrics: Metrics, log: Logger, closing: Closing): void {
  const count = async () => {
    try {
      const { rows } = await operators.query<{ rows: number }>(loadSql('queries/receiver/count_parked_rows'), [
        PARKED_COUNT_MAX,
      ]);
      metrics.parkedRows(rows[0]?.rows ?? 0);
    } catch (error) {
      log.debug({ err: error }, 'parked rows were not counted');
    }
  };
  const timer = setInterval(() => void count(), PARKED_EVERY_MS);
  closing.add('parked rows', () => clearInterval(timer));
  void count();
}
