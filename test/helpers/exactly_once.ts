/**
 * The promise of the ledger as a property, on any two databases: whatever the order, the cuts into requests, the encodings, the resends, the
 * number of receivers and the connections killed on the way, the tables end as after one ordered delivery, and a recount finds no difference.
 */

import type pg from 'pg';
import { expect } from 'vitest';
import { audit } from '../../receiver/derive/audit.ts';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import type { Quota } from '../../receiver/quota.ts';
import { openPool } from './database_admin.ts';
import { dumpLedger } from './dump.ts';
import { type Ledger, type LedgerQuotas, openLedger } from './ledger.ts';
import { traceBody } from './otlp.ts';
import { createRandom, cutRequests, type Random, randomSpans } from './random_spans.ts';

const NOW_US = Date.now() * 1000;

/** Migrated and empty. */
export interface PropertyDatabase {
  databaseUrl: string;
  superuserUrl: string;
}

interface Sides {
  /** One ordered delivery. */
  reference: Ledger;
  /** Two on one database. */
  receivers: [Ledger, Ledger];
  superuser: pg.Pool;
}

/**
 * Tries `sets` random sets of spans from `firstSeed` on. A failure names its seed.
 * @param quotas what the two receivers hold their senders to; asked anew for each look
 * @returns how many connections were killed.
 */
export async function expectExactlyOnce(
  ordered: PropertyDatabase,
  shuffled: PropertyDatabase,
  { sets, firstSeed }: { sets: number; firstSeed: number },
  quotas: LedgerQuotas | null = null,
): Promise<number> {
  const open = () => openLedger(shuffled.databaseUrl, ['1', '2'], quotas);
  const sides: Sides = {
    reference: await openLedger(ordered.databaseUrl),
    receivers: [await open(), await open()],
    superuser: openPool(shuffled.superuserUrl, 2),
  };
  try {
    let killed = 0;
    for (let seed = firstSeed; seed < firstSeed + sets; seed++) {
      if (quotas !== null) await sides.superuser.query(TAKE_A_PLACE);
      killed += await expectSame(seed, sides);
    }
    return killed;
  } finally {
    await Promise.all([sides.reference, ...sides.receivers].map((ledger) => ledger.close()));
    await sides.superuser.end();
  }
}

async function expectSame(seed: number, sides: Sides): Promise<number> {
  const { reference, receivers } = sides;
  const random = createRandom(seed);
  const spans = randomSpans(random, NOW_US);
  const requests = cutRequests(random, spans, spans.length);
  for (const request of requests) await reference.sendAs('ingest', traceBody(request, 'protobuf'), 'protobuf');
  const killed = await deliverBadly(random, spans, sides);
  await settle([reference]);
  await settle(receivers);

  const [left, right] = [await dumpLedger(reference), await dumpLedger(receivers[0])];
  expect(differences(left, right), `seed ${seed}`).toEqual([]);
  for (const ledger of [reference, receivers[0]]) {
    const result = await audit(ledger.ownerPool);
    expect(result.difference, `seed ${seed}: ${JSON.stringify(result.differences)}`).toBe(0);
  }
  expect(left.run_event_logs?.length, `seed ${seed} stores something`).toBeGreaterThan(0);
  await empty([reference, receivers[0]]);
  return killed;
}

/** The first rows that only one side has; a full diff of thousands of lines helps nobody. */
function differences(left: Record<string, string[]>, right: Record<string, string[]>): string[] {
  return Object.entries(left).flatMap(([table, rows]) => {
    const [here, there] = [new Set(rows), new Set(right[table])];
    const lines = [
      ...rows.filter((row) => !there.has(row)).map((row) => `${table} only ordered:  ${row}`),
      ...(right[table] ?? []).filter((row) => !here.has(row)).map((row) => `${table} only shuffled: ${row}`),
    ];
    return lines.slice(0, 4);
  });
}

/** Shuffles, repeats, cuts anew, mixes encodings, sends from several senders through two receivers while connections are killed. */
async function deliverBadly(
  random: Random,
  spans: Parameters<typeof cutRequests>[1],
  { receivers, superuser }: Sides,
): Promise<number> {
  const repeated = random.shuffle([...spans, ...spans.filter(() => random.chance(0.15))]);
  const requests = cutRequests(random, repeated, 8);
  const bodies = requests.map((request) => {
    const encoding = random.chance(0.5) ? ('protobuf' as const) : ('json' as const);
    return { encoding, body: traceBody(request, encoding) };
  });
  const deliveries = random.shuffle([...bodies, ...bodies.filter(() => random.chance(0.2))]);
  const senders = 1 + random.below(4);
  let sending = true;
  let killed = 0;
  const killer = (async () => {
    while (sending) {
      const { rowCount } = await superuser.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'runledger_ingest' and state <> 'idle' limit 1`,
      );
      killed += rowCount ?? 0;
      await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 60));
    }
  })();
  await Promise.all(
    Array.from({ length: senders }, async (_, sender) => {
      for (let i = sender; i < deliveries.length; i += senders) {
        const { body, encoding } = deliveries[i] as (typeof deliveries)[number];
        await sendUntilAccepted(random.pick(receivers), body, encoding);
      }
    }),
  );
  sending = false;
  await killer;
  return killed;
}

async function sendUntilAccepted(ledger: Ledger, body: Uint8Array, encoding: 'protobuf' | 'json'): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await ledger.sendAs('ingest', body, encoding);
      return;
    } catch (error) {
      if (attempt > 200) throw error;
    }
  }
}

/** A run of each tenant that was let in and does not come, so that a limit of one holds every other. */
const TAKE_A_PLACE =
  'insert into runledger.run_admissions select tenant_id, 1, now() from unnest(array[1, 2]) as t (tenant_id)';

/** What the jobs do: place what two receivers parked past each other, derive what is dirty. */
async function settle(ledgers: readonly Ledger[]): Promise<void> {
  for (const ledger of ledgers) await retry(() => ledger.writer.sweepParked());
  const [first] = ledgers;
  if (first !== undefined) await deriveDue(first.ownerPool, { all: true });
}

async function retry<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt > 20) throw error;
    }
  }
}

async function empty(ledgers: readonly Ledger[]): Promise<void> {
  const tables = `public.enrichment_runs, public.run_event_logs, public.run_stage_stats, public.run_vendor_usage, public.run_metrics,
    public.qa_samples, runledger.trend_buckets, runledger.trace_bindings, runledger.parked_spans, runledger.dirty_runs, runledger.refusals,
    runledger.run_admissions`;
  for (const ledger of ledgers) await ledger.query(`truncate ${tables}`);
}

/** Quotas of tenants 1 and 2 that hold, let go and change all the time, so that nobody is held for good. */
export function restlessQuotas(held: (quota: string) => void): LedgerQuotas {
  const none = { burstSpans: null, stagesPerRun: null, vendorsPerRun: null, parkedBytes: null };
  const maybe = (most: number) => (Math.random() < 0.7 ? 1 + Math.floor(Math.random() * most) : null);
  const quota = (): Quota => ({ ...none, spansPerSecond: maybe(40), burstSpans: maybe(10), openRuns: maybe(1) });
  let quotas = new Map<number, Quota>();
  let nowMs = 0;
  return {
    quotas() {
      if (Math.random() < 0.1) quotas = new Map([1, 2].map((tenantId) => [tenantId, quota()]));
      return quotas;
    },
    clockMs() {
      nowMs += 20;
      return nowMs;
    },
    held,
  };
}
