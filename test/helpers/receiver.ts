/** The whole receiver on a test database and free ports, with its log kept, as `runledger start` would run it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../receiver/config.ts';
import { createLog } from '../../receiver/log.ts';
import { type Receiver, startReceiver } from '../../receiver/main.ts';

export interface TestReceiver extends Receiver {
  ingestToken: string;
  adminToken: string;
  dataDir: string;
  /** Parsed log lines. */
  logged: Record<string, unknown>[];
  /** Stops it and removes its data folder. */
  close(): Promise<void>;
}

export async function startTestReceiver(
  databaseUrl: string,
  environment: Record<string, string> = {},
): Promise<TestReceiver> {
  const dataDir = mkdtempSync(join(tmpdir(), 'runledger-receiver-'));
  const config = loadConfig(
    {},
    {
      DATABASE_URL: databaseUrl,
      RUNLEDGER_DATA_DIR: dataDir,
      RUNLEDGER_OTLP_HTTP_PORT: '0',
      RUNLEDGER_OTLP_GRPC_PORT: '0',
      RUNLEDGER_HTTP_PORT: '0',
      RUNLEDGER_TENANT_AUTOCREATE: '1',
      // Several receivers of one test file share a database; the tokens that are made are those of the first one's data folder.
      RUNLEDGER_INGEST_TOKEN: 'ingest-token-of-the-test',
      RUNLEDGER_ADMIN_TOKEN: 'admin-token-of-the-test',
      ...environment,
    },
  );
  const logged: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => logged.push(JSON.parse(line)) };
  const log = createLog({ level: 'debug', stream });
  try {
    const receiver = await startReceiver(config, { log, version: '0.0.0-test' });
    const tokenOf = (kind: string) => receiver.tokens.find((token) => token.kind === kind)?.token ?? '';
    return Object.assign(receiver, {
      ingestToken: tokenOf('ingest'),
      adminToken: tokenOf('admin'),
      dataDir,
      logged,
      async close() {
        await receiver.stop();
        rmSync(dataDir, { recursive: true, force: true });
      },
    });
  } catch (error) {
    rmSync(dataDir, { recursive: true, force: true });
    throw error;
  }
}

/** An OTLP/JSON request of one run span that ends now. */
export function runSpanJson(tenantId: number, runId: string, spanNumber = 1): string {
  const endMs = Date.now();
  const attribute = (key: string, value: object) => ({ key, value });
  const span = {
    traceId: spanNumber.toString(16).padStart(32, '0'),
    spanId: spanNumber.toString(16).padStart(16, '0'),
    name: 'nightly',
    kind: 1,
    startTimeUnixNano: `${endMs - 1000}000000`,
    endTimeUnixNano: `${endMs}000000`,
    attributes: [
      attribute('runledger.kind', { stringValue: 'run' }),
      attribute('runledger.tenant.id', { intValue: String(tenantId) }),
      attribute('runledger.run.id', { stringValue: runId }),
    ],
  };
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
}

export function postTraces(receiver: TestReceiver, body: string, token = receiver.ingestToken): Promise<Response> {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  return fetch(`${receiver.urls.otlpHttp}/v1/traces`, { method: 'POST', headers, body });
}
