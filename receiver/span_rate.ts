/**
 * Spans per second of a tenant: a bucket of spans that fills at the tenant's rate. A request is let in while anything is in the bucket and
 * then takes all its spans out, into debt if need be, so that a request of any size gets through and the average is kept all the same.
 * Each process has buckets of its own.
 */

import { LIMITS } from './limits.ts';
import type { MappedChunk } from './map/row.ts';
import type { Principal } from './map/snapshot.ts';
import { burstOf, type Quota, type Quotas } from './quota.ts';

/** The account of one request. */
export interface SpanCharge {
  /** Takes `spans` of a tenant; false: the tenant is over its rate and the request, as far as it is the tenant's, has to come again. */
  take(tenantId: number, spans: number): boolean;
  /** Gives everything back: the request was not accepted and will come again. */
  refund(): void;
  /** Tenants that were refused, with the seconds after which to try again. */
  refused(): ReadonlyMap<number, number>;
}

export interface SpanRates {
  /** null: no tenant has a rate. */
  open(): SpanCharge | null;
}

interface Bucket {
  /** Below 0: debt. */
  spans: number;
  atMs: number;
}

/** @param clockMs monotonic */
export function createSpanRates(quotas: () => Quotas, clockMs: () => number = () => performance.now()): SpanRates {
  const buckets = new Map<number, Bucket>();
  let seen: Quotas | null = null;

  /** Tenants without a rate keep no bucket. */
  const forget = (current: Quotas) => {
    if (current === seen) return;
    seen = current;
    for (const tenantId of buckets.keys()) {
      if ((current.get(tenantId)?.spansPerSecond ?? null) === null) buckets.delete(tenantId);
    }
  };

  const bucketOf = (tenantId: number, quota: Quota, rate: number): Bucket => {
    const nowMs = clockMs();
    const burst = burstOf(rate, quota.burstSpans);
    const bucket = buckets.get(tenantId) ?? { spans: burst, atMs: nowMs };
    bucket.spans = Math.min(burst, bucket.spans + (Math.max(0, nowMs - bucket.atMs) / 1000) * rate);
    bucket.atMs = nowMs;
    buckets.set(tenantId, bucket);
    return bucket;
  };

  return {
    open() {
      const current = quotas();
      forget(current);
      return current.size === 0 ? null : openCharge(current, bucketOf);
    },
  };
}

function openCharge(quotas: Quotas, bucketOf: (tenantId: number, quota: Quota, rate: number) => Bucket): SpanCharge {
  const taken = new Map<Bucket, number>();
  const admitted = new Map<number, Bucket>();
  const refused = new Map<number, number>();
  return {
    take(tenantId, spans) {
      const quota = quotas.get(tenantId);
      const rate = quota?.spansPerSecond ?? null;
      if (quota === undefined || rate === null) return true;
      if (refused.has(tenantId)) return false;
      // Judged once for the whole request: one that is larger than the bucket would else never get through.
      let bucket = admitted.get(tenantId);
      if (bucket === undefined) {
        bucket = bucketOf(tenantId, quota, rate);
        if (bucket.spans <= 0) {
          const seconds = Math.ceil(-bucket.spans / rate);
          refused.set(tenantId, Math.min(LIMITS.rateRetryAfterSeconds, Math.max(1, seconds)));
          return false;
        }
        admitted.set(tenantId, bucket);
      }
      bucket.spans -= spans;
      taken.set(bucket, (taken.get(bucket) ?? 0) + spans);
      return true;
    },
    refund() {
      for (const [bucket, spans] of taken) bucket.spans += spans;
      taken.clear();
    },
    refused: () => refused,
  };
}

/**
 * Takes what a mapped chunk holds out of its tenants' buckets. With a tenant's token every record counts; with an ingest token those that
 * make rows, and heartbeats, because only of these the tenant is known.
 * @returns the chunk without the tenants that are over their rate: the others' rows are stored, though the request will come again
 */
export function withinRate(
  mapped: MappedChunk,
  records: number,
  principal: Principal,
  charge: SpanCharge,
): MappedChunk {
  if (principal.kind === 'tenant')
    return charge.take(principal.tenantId, records) ? mapped : withoutTenants(mapped, null);
  const refused = new Set<number>();
  for (const [tenantId, spans] of spansByTenant(mapped)) if (!charge.take(tenantId, spans)) refused.add(tenantId);
  return refused.size === 0 ? mapped : withoutTenants(mapped, refused);
}

function spansByTenant({ rows, heartbeats }: MappedChunk): Map<number, number> {
  const spans = new Map<number, number>();
  const count = (tenantId: number) => spans.set(tenantId, (spans.get(tenantId) ?? 0) + 1);
  // The rows of one span stand together.
  let last: MappedChunk['rows'][number] | null = null;
  for (const row of rows) {
    if (last === null || row.spanId !== last.spanId || row.tenantId !== last.tenantId) count(row.tenantId);
    last = row;
  }
  for (const { tenantId } of heartbeats) count(tenantId);
  return spans;
}

/** @param tenantIds null: all */
function withoutTenants(mapped: MappedChunk, tenantIds: ReadonlySet<number> | null): MappedChunk {
  const keep = ({ tenantId }: { tenantId: number }) => tenantIds !== null && !tenantIds.has(tenantId);
  return {
    ...mapped,
    rows: mapped.rows.filter(keep),
    bindings: mapped.bindings.filter(keep),
    heartbeats: mapped.heartbeats.filter(keep),
    rootsWithoutRun: mapped.rootsWithoutRun.filter(keep),
    // They come again with the request, and are counted then.
    refusals: [],
  };
}
