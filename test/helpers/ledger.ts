/** The receiver's inside for tests: decode, map and write against a test database, without HTTP in between. */

import type pg from 'pg';
import type { Encoding } from '../../receiver/decode/shape.ts';
import { createIngest } from '../../receiver/ingest.ts';
import type { Ingest } from '../../receiver/ingest_types.ts';
import type { HoldingQuota, Quotas } from '../../receiver/quota.ts';
import { createSpanRates } from '../../receiver/span_rate.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createSnapshotSource } from '../../receiver/store/snapshot.ts';
import { registerTenants } from '../../receiver/store/tenants.ts';
import { createWriter, type Writer } from '../../receiver/write/writer.ts';

export interface Ledger {
  ingest: Ingest;
  writer: Writer;
  ingestPool: pg.Pool;
  ownerPool: pg.Pool;
  sendAs(tenantId: number | 'ingest', body: Uint8Array, encoding: Encoding): ReturnType<Ingest['traces']>;
  sendLogsAs(tenantId: number | 'ingest', body: Uint8Array, encoding: Encoding): ReturnType<Ingest['logs']>;
  /** The database's rows, as the owner. */
  query<R extends pg.QueryResultRow>(text: string, parameters?: unknown[]): Promise<R[]>;
  close(): Promise<void>;
}

/** For tests of quotas; without it there are none. */
export interface LedgerQuotas {
  quotas(): Quotas;
  clockMs(): number;
  held(quota: HoldingQuota, tenantId: number): void;
}

export async function openLedger(
  databaseUrl: string,
  tenants: readonly string[] = ['1', '2'],
  limits: LedgerQuotas | null = null,
): Promise<Ledger> {
  const ingestPool = createPool({ databaseUrl, role: 'runledger_ingest', maxConnections: 8 });
  const ownerPool = createPool({ databaseUrl, role: 'runledger_owner', maxConnections: 4 });
  await registerTenants(ingestPool, [...tenants]);
  const snapshots = await createSnapshotSource(ingestPool, { linkHosts: ['smith.langchain.com'] });
  const writer = await createWriter({
    pool: ingestPool,
    ...(limits === null ? {} : { quotas: () => limits.quotas() }),
  });
  const ingest = createIngest({
    writer,
    snapshot: () => snapshots.current(),
    registerTenants: null,
    ...(limits === null ? {} : limitedBy(limits)),
  });
  const principal = (tenantId: number | 'ingest') =>
    tenantId === 'ingest' ? ({ kind: 'ingest' } as const) : ({ kind: 'tenant', tenantId } as const);
  return {
    ingest,
    writer,
    ingestPool,
    ownerPool,
    sendAs: (tenantId, body, encoding) => ingest.traces(body, encoding, principal(tenantId)),
    sendLogsAs: (tenantId, body, encoding) => ingest.logs(body, encoding, principal(tenantId)),
    async query(text, parameters = []) {
      return (await ownerPool.query(text, parameters)).rows;
    },
    async close() {
      await writer.close();
      snapshots.close();
      await ingestPool.end();
      await ownerPool.end();
    },
  };
}

function limitedBy(limits: LedgerQuotas) {
  const observer = {
    accepted: () => undefined,
    refused: () => undefined,
    held: (quota: HoldingQuota, tenantId: number) => limits.held(quota, tenantId),
  };
  const rates = createSpanRates(
    () => limits.quotas(),
    () => limits.clockMs(),
  );
  return { rates, observer };
}
