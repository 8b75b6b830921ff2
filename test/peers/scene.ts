/**
 * Runledger in the field, on loopback: the receiver with its own PostgreSQL, a Collector with the file that is shipped, and Jaeger with the
 * file that is shipped. Only ports and folders differ from a deployment, by the variables that both files have for it.
 */

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { loadConfig } from '../../receiver/config.ts';
import { createLog } from '../../receiver/log.ts';
import { type Receiver, startReceiver } from '../../receiver/main.ts';
import { withClient } from '../helpers/database_admin.ts';
import { freePorts } from '../helpers/ports.ts';
import { findPeers, type Peers } from './build.ts';
import { createProgram, type Program } from './program.ts';

const COLLECTOR_FILE = fileURLToPath(new URL('../../otel-collector.yaml', import.meta.url));
const JAEGER_FILE = fileURLToPath(new URL('../../deploy/jaeger.yaml', import.meta.url));
export const LANGSMITH_FILE = fileURLToPath(new URL('../../deploy/collector-langsmith.yaml', import.meta.url));
export const INGEST_TOKEN = 'ingest-token-of-the-peers';

export interface SceneOptions {
  /** More configuration files of the Collector, and what they read. */
  collectorFiles?: readonly string[];
  environment?: Record<string, string>;
}

export interface Scene {
  peers: Peers;
  collector: Program & { httpUrl: string; grpcTarget: string; metricsUrl: string };
  jaeger: Program & { url: string };
  /** Where the Collector keeps what it has not delivered. */
  queueDir: string;
  /** Of the receiver; also while it is down. */
  otlpUrl: string;
  /** null while it is down. */
  receiver(): Receiver | null;
  /** What a command beside the receiver gets. */
  environment: Record<string, string>;
  startReceiver(): Promise<Receiver>;
  stopReceiver(): Promise<void>;
  close(): Promise<void>;
}

/** Everything up and ready. */
export async function openScene({ collectorFiles = [], environment = {} }: SceneOptions = {}): Promise<Scene> {
  const peers = foundPeers();
  const folder = mkdtempSync(join(tmpdir(), 'runledger-peers-'));
  const [otlp, grpc, api, ...others] = await freePorts(11);
  const [cGrpc, cHttp, cHealth, cMetrics, jUi, jOtlp, jHealth, jMetrics] = others.map(String);
  const queueDir = join(folder, 'queues');
  const otlpUrl = `http://127.0.0.1:${otlp}`;

  const jaeger = createProgram({
    path: peers.jaeger,
    args: ['--config', JAEGER_FILE],
    environment: defined({
      JAEGER_DIR: join(folder, 'jaeger'),
      JAEGER_UI_PORT: jUi,
      JAEGER_OTLP_PORT: jOtlp,
      JAEGER_HEALTH_PORT: jHealth,
      JAEGER_METRICS_PORT: jMetrics,
    }),
    healthUrl: `http://127.0.0.1:${jHealth}/status`,
  });
  const collector = createProgram({
    path: peers.collector,
    args: [COLLECTOR_FILE, ...collectorFiles].map((file) => `--config=${file}`),
    environment: defined({
      RUNLEDGER_ENDPOINT: otlpUrl,
      RUNLEDGER_INGEST_TOKEN: INGEST_TOKEN,
      JAEGER_ENDPOINT: `127.0.0.1:${jOtlp}`,
      COLLECTOR_GRPC_PORT: cGrpc,
      COLLECTOR_HTTP_PORT: cHttp,
      COLLECTOR_HEALTH_PORT: cHealth,
      COLLECTOR_METRICS_PORT: cMetrics,
      COLLECTOR_QUEUE_DIR: queueDir,
      ...environment,
    }),
    healthUrl: `http://127.0.0.1:${cHealth}/`,
  });

  const settings = {
    RUNLEDGER_DATA_DIR: join(folder, 'ledger'),
    RUNLEDGER_OTLP_HTTP_PORT: String(otlp),
    RUNLEDGER_OTLP_GRPC_PORT: String(grpc),
    RUNLEDGER_HTTP_PORT: String(api),
    RUNLEDGER_INGEST_TOKEN: INGEST_TOKEN,
    RUNLEDGER_ADMIN_TOKEN: 'admin-token-of-the-peers',
    RUNLEDGER_TENANT_AUTOCREATE: '1',
    JAEGER_UI_URL: `http://127.0.0.1:${jUi}`,
  };
  const config = loadConfig({}, settings);
  const log = createLog({ level: 'warn', stream: { write: () => undefined } });
  let receiver: Receiver | null = null;
  const scene: Scene = {
    peers,
    queueDir,
    environment: settings,
    otlpUrl,
    collector: Object.assign(collector, {
      httpUrl: `http://127.0.0.1:${cHttp}`,
      grpcTarget: `127.0.0.1:${cGrpc}`,
      metricsUrl: `http://127.0.0.1:${cMetrics}/metrics`,
    }),
    jaeger: Object.assign(jaeger, { url: `http://127.0.0.1:${jUi}` }),
    receiver: () => receiver,
    async startReceiver() {
      receiver = await startReceiver(config, { log, version: '0.0.0-test' });
      return receiver;
    },
    async stopReceiver() {
      await receiver?.stop();
      receiver = null;
    },
    async close() {
      await Promise.all([collector.kill(), jaeger.kill()]);
      await scene.stopReceiver();
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    },
  };
  try {
    await Promise.all([jaeger.start(), scene.startReceiver()]);
    await collector.start();
    return scene;
  } catch (error) {
    await scene.close();
    throw error;
  }
}

/** A query on the ledger's database, as its superuser. */
export async function onLedger<R extends pg.QueryResultRow>(
  scene: Scene,
  text: string,
  parameters: unknown[] = [],
): Promise<R[]> {
  const databaseUrl = scene.receiver()?.databaseUrl;
  if (databaseUrl === undefined) throw new Error('the receiver is down');
  return withClient(databaseUrl, async (client) => (await client.query<R>(text, parameters)).rows);
}

function foundPeers(): Peers {
  const peers = findPeers();
  for (const path of [peers.collector, peers.jaeger, peers.telemetrygen, peers.python]) {
    if (!existsSync(path)) throw new Error(`${path} is not built. Run: npm run test:peers`);
  }
  return peers;
}

function defined(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
