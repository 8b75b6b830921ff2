/** The ledger that the pages' commands meet: a receiver in which the demo has played its last night, judged by the rules, and somebody who takes messages. */

import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import pg from 'pg';
import { CLI_PROGRAM } from './cli_program.ts';
import { createEmptyDatabase, createTestDatabase } from './database.ts';
import { ROOT } from './docs_blocks.ts';
import type { DocsScene } from './docs_pages.ts';
import { startTarget } from './hostile_server.ts';
import { startTestReceiver } from './receiver.ts';

export interface OpenDocsScene {
  scene: DocsScene;
  /** Of the shell in which commands run. */
  environment: Record<string, string>;
  /** What `runledger demo` printed. */
  demo: string;
  close(): Promise<void>;
}

const run = promisify(execFile);
const { version: VERSION } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { version: string };

export async function openDocsScene(dataDir: string): Promise<OpenDocsScene> {
  const database = await createTestDatabase();
  const empty = await createEmptyDatabase();
  const slack = await startTarget();
  const { PATH = '', HOME = '' } = process.env;
  const settings = { DATABASE_URL: database.databaseUrl, RUNLEDGER_DATA_DIR: dataDir };
  const runledger = async (...args: string[]) =>
    (await run(process.execPath, [...CLI_PROGRAM, ...args], { env: { PATH, HOME, COLUMNS: '160', ...settings } }))
      .stdout;
  // Before the receiver, as a newcomer does: the demo starts one of its own and ends it.
  const demo = await runledger(
    'demo',
    '--once',
    '--companies',
    '40',
    '--exit',
    '--otlp-grpc-port',
    '0',
    '--otlp-http-port',
    '0',
    '--http-port',
    '0',
  );
  const receiver = await startTestReceiver(database.databaseUrl, { RUNLEDGER_DATA_DIR: dataDir });
  // Tokens of the environment are not written; those of a first start, which pages speak of, are.
  writeFileSync(join(dataDir, 'admin-token'), receiver.adminToken);
  writeFileSync(join(dataDir, 'ingest-token'), receiver.ingestToken);
  const owner = new pg.Pool({ connectionString: database.superuserUrl, max: 1 });
  await runledger('tenant', 'add', 'acme');
  await runledger('job', 'run', 'alerts');
  const tenantToken = (await runledger('token', 'create', '--kind', 'tenant', '--tenant', '7')).trim();
  const [failed] = (
    await owner.query("select run_id, run_key from enrichment_runs where tenant_id = 7 and status = 'failed'")
  ).rows;
  const [alert] = (await owner.query("select alert_id from runledger.alerts where state = 'firing' order by 1 limit 1"))
    .rows;
  const collector = await startCollector(receiver.urls.otlpHttp, receiver.ingestToken);
  const scene: DocsScene = {
    collectorUrl: collector.url,
    otlpUrl: receiver.urls.otlpHttp,
    grpcUrl: receiver.urls.otlpGrpc,
    apiUrl: receiver.urls.api,
    databaseUrl: database.databaseUrl,
    emptyDatabaseUrl: empty.databaseUrl,
    adminToken: receiver.adminToken,
    ingestToken: receiver.ingestToken,
    tenantToken,
    failedRun: { key: String(failed?.run_key), id: String(failed?.run_id) },
    openAlert: String(alert?.alert_id),
    slackUrl: slack.url,
  };
  return {
    scene,
    demo,
    environment: {
      ...settings,
      ROOT,
      PACKED: `runledger-${VERSION}.tgz`,
      COLUMNS: '160',
      TOKEN: tenantToken,
      API_URL: scene.apiUrl,
      COLLECTOR_URL: collector.url,
      RUNLEDGER_ADMIN_TOKEN: scene.adminToken,
      RUNLEDGER_INGEST_TOKEN: scene.ingestToken,
      RUNLEDGER_HTTP_PORT: new URL(scene.apiUrl).port,
      RUNLEDGER_OTLP_HTTP_PORT: new URL(scene.otlpUrl).port,
      RUNLEDGER_OTLP_GRPC_PORT: new URL(scene.grpcUrl).port,
    },
    async close() {
      await owner.end();
      await receiver.close();
      await Promise.all([slack.close(), collector.close()]);
      await Promise.all([database.drop(), empty.drop()]);
    },
  };
}

/** The peers suite has the real one; here the pages' commands are on trial. */
async function startCollector(otlpUrl: string, token: string): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const { 'content-type': type = '', 'content-encoding': encoding } = request.headers;
    const headers = { authorization: `Bearer ${token}`, 'content-type': type };
    const answer = await fetch(otlpUrl + request.url, {
      method: 'POST',
      headers: typeof encoding === 'string' ? { ...headers, 'content-encoding': encoding } : headers,
      body: await buffer(request),
    });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
