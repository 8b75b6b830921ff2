/** Tenants with quotas on two receivers' insides over one database, senders that act on what they are told, and a clock that tests move. */

import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { Attribute, Span } from '../../receiver/decode/shape.ts';
import { audit } from '../../receiver/derive/audit.ts';
import { RequestError } from '../../receiver/errors.ts';
import type { Quota } from '../../receiver/quota.ts';
import { ATTR } from '../../sdk/attributes.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { int, requestWith, span, text, traceBody } from './otlp.ts';

const TENANTS = Array.from({ length: 40 }, (_, index) => index + 1);
export const END_US = (Date.now() - 3_600_000) * 1000;
export const NO_LIMITS: Quota = {
  spansPerSecond: null,
  burstSpans: null,
  openRuns: null,
  stagesPerRun: null,
  vendorsPerRun: null,
  parkedBytes: null,
};
type Sender = number | 'ingest';

export interface QuotaScene {
  /** Two receivers. */
  ledger: Ledger;
  other: Ledger;
  /** Each test has tenants of its own. */
  mine: number;
  theirs: number;
  nowMs: number;
  /** What quotas sent back until later: the quota and the tenant. */
  held: string[];
  limit(tenantId: number, quota: Partial<Quota>): void;
  /** What a request was answered: 200, or the status that the sender has to act on, with its seconds. */
  answerOf(sender: Sender, spans: readonly Span[], by?: Ledger): Promise<string>;
  /** As an exporter does: again after what it was told, until it is taken. @returns how often it was refused */
  sendUntilTaken(sender: Sender, spans: readonly Span[]): Promise<number>;
  count(sql: string, ...parameters: unknown[]): Promise<number>;
  rowsOf(tenantId: number): Promise<number>;
  openOf(tenantId: number): Promise<number>;
}

/** Registers what makes and ends the scene with the test file. */
export function quotaScene(): QuotaScene {
  let database: TestDatabase;
  let quotas = new Map<number, Quota>();
  const limits = {
    quotas: () => quotas,
    clockMs: () => scene.nowMs,
    held: (quota: string, tenantId: number) => void scene.held.push(`${quota} ${tenantId}`),
  };
  const count = async (sql: string, ...parameters: unknown[]) => {
    const [row] = await scene.ledger.query<{ count: number }>(sql, parameters);
    return row?.count ?? -1;
  };
  const scene: QuotaScene = {
    ledger: undefined as unknown as Ledger,
    other: undefined as unknown as Ledger,
    mine: -1,
    theirs: 0,
    nowMs: 0,
    held: [],
    limit(tenantId, quota) {
      // A new map, as the snapshot gives one when anything changed.
      quotas = new Map(quotas).set(tenantId, { ...NO_LIMITS, ...quota });
    },
    async answerOf(sender, spans, by = scene.ledger) {
      try {
        const { rejected, message } = await by.sendAs(sender, traceBody(requestWith(...spans), 'protobuf'), 'protobuf');
        return rejected === 0 ? '200' : `200, rejected: ${message}`;
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        expect(error.retryable).toBe(true);
        return `${error.status} after ${error.retryAfterSeconds} s`;
      }
    },
    async sendUntilTaken(sender, spans) {
      for (let refused = 0; refused < 10_000; refused++) {
        const answer = await scene.answerOf(sender, spans);
        if (answer === '200') return refused;
        scene.nowMs += 1000 * Number(/after (\d) s/.exec(answer)?.[1]);
      }
      throw new Error('never taken');
    },
    count,
    rowsOf: (tenantId) =>
      count('select count(*)::int as count from public.run_event_logs where tenant_id = $1', tenantId),
    openOf: (tenantId) =>
      count(
        "select count(*)::int as count from public.enrichment_runs where tenant_id = $1 and status = 'running'",
        tenantId,
      ),
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    scene.ledger = await openLedger(database.databaseUrl, TENANTS.map(String), limits);
    scene.other = await openLedger(database.databaseUrl, TENANTS.map(String), limits);
  });
  afterAll(async () => {
    await scene.ledger.close();
    await scene.other.close();
    await database.drop();
  });
  beforeEach(() => {
    quotas = new Map();
    Object.assign(scene, { mine: scene.mine + 2, theirs: scene.theirs + 2, nowMs: 1_000_000, held: [] });
  });
  // Whatever happened, the counters are the sums of the events.
  afterEach(async () => {
    const { difference } = await audit(scene.ledger.ownerPool);
    expect(difference).toBe(0);
  });
  return scene;
}

let next = 1;
export const hex = (digits: number): string => (next++).toString(16).padStart(digits, '0');

export const at = (attributes: Attribute[], given: Partial<Span> = {}): Span =>
  span({
    traceId: hex(32),
    spanId: hex(16),
    parentSpanId: hex(16),
    startUs: END_US - 1_000_000,
    endUs: END_US,
    attributes,
    ...given,
  });

export const of = (tenantId: number, run: string | number): Attribute[] => [
  int(ATTR.tenantId, tenantId),
  typeof run === 'number' ? int(ATTR.runId, run) : text(ATTR.runId, run),
];

export const items = (count: number, tenantId: number, run: string | number): Span[] =>
  Array.from({ length: count }, () =>
    at([text(ATTR.kind, 'item'), text(ATTR.stage, 'crawl'), int(ATTR.itemId, 3), ...of(tenantId, run)]),
  );

export const ended = (tenantId: number, run: string | number, given: Partial<Span> = {}): Span =>
  at([text(ATTR.kind, 'run'), ...of(tenantId, run)], { parentSpanId: '', ...given });
