/**
 * The path of one request: decode, map, write, answer. Large requests are walked in chunks, so that others get their turn; each chunk is
 * written as soon as it is mapped, and the answer waits for all of them. A request that fails half-way is sent again and counts once.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { decodeLogs, decodeTraces } from './decode/decode.ts';
import { DecodeError, type Encoding, type LogChunk, type SpanChunk } from './decode/shape.ts';
import { RequestError } from './errors.ts';
import type { Ingest, IngestResult } from './ingest_types.ts';
import { LIMITS } from './limits.ts';
import { createMapper, type Mapper } from './map/map.ts';
import type { MappedChunk, Refusal, RefusalReason } from './map/row.ts';
import type { Principal, Snapshot } from './map/snapshot.ts';
import type { HoldingQuota } from './quota.ts';
import { type SpanCharge, type SpanRates, withinRate } from './span_rate.ts';
import { OPEN_RUNS_FULL, OpenRunsFull, ParkedFull, type Writer, WriteUnavailable } from './write/writer.ts';

export interface IngestObserver {
  accepted(signal: 'traces' | 'logs', records: number): void;
  refused(reason: RefusalReason, records: number): void;
  /** A request has to come again because of a tenant's quota. */
  held?(quota: HoldingQuota, tenantId: number): void;
}

export interface IngestDeps {
  writer: Pick<Writer, 'write'>;
  /** The installation as it is now; a new value when it changed. */
  snapshot(): Snapshot;
  /** Registers tenants that senders named (RUNLEDGER_TENANT_AUTOCREATE=1) and refreshes the snapshot; null: they are refused. */
  registerTenants: ((names: string[]) => Promise<void>) | null;
  /**
   * Reads the installation as it is at that time (of performance.now()) or later: a tenant that is not known may have been registered a moment
   * before the request came, and a refusal is for good.
   */
  refreshTenants?(arrivedMs: number): Promise<void>;
  rates?: SpanRates;
  observer?: IngestObserver;
}

export function createIngest(deps: IngestDeps): Ingest {
  let mapper = createMapper(deps.snapshot());
  const currentMapper = (): Mapper => {
    const snapshot = deps.snapshot();
    if (snapshot !== mapper.snapshot) mapper = createMapper(snapshot);
    return mapper;
  };

  return {
    traces: (body, encoding, principal) => ingestTraces(body, encoding, principal, deps, currentMapper),
    logs: (body, encoding, principal) => ingestLogs(body, encoding, principal, deps, currentMapper),
  };
}

function ingestTraces(
  body: Uint8Array,
  encoding: Encoding,
  principal: Principal,
  deps: IngestDeps,
  mapper: () => Mapper,
) {
  const receivedAtUs = Date.now() * 1000;
  const map = (chunk: SpanChunk) => mapper().spans(chunk, principal, receivedAtUs);
  return ingestChunks('traces', decodeTraces(body, encoding), map, principal, deps);
}

function ingestLogs(
  body: Uint8Array,
  encoding: Encoding,
  principal: Principal,
  deps: IngestDeps,
  mapper: () => Mapper,
) {
  const receivedAtUs = Date.now() * 1000;
  const map = (chunk: LogChunk) => mapper().logs(chunk, principal, receivedAtUs);
  return ingestChunks('logs', decodeLogs(body, encoding), map, principal, deps);
}

async function ingestChunks<C extends SpanChunk | LogChunk>(
  signal: 'traces' | 'logs',
  chunks: Iterable<C>,
  map: (chunk: C) => MappedChunk,
  principal: Principal,
  deps: IngestDeps,
): Promise<IngestResult> {
  const arrivedMs = performance.now();
  let records = 0;
  let chunksSeen = 0;
  const refusals: Refusal[] = [];
  const writes = createWindow(LIMITS.chunksInFlight);
  const charge = deps.rates?.open() ?? null;
  const full: OpenRunsFull[] = [];
  const write = async (mapped: MappedChunk) => {
    try {
      refusals.push(...(await deps.writer.write(mapped)));
    } catch (error) {
      if (!(error instanceof OpenRunsFull)) throw error;
      // What else the request holds is stored: it may end the run that takes the place.
      full.push(error);
    }
  };
  try {
    // Whom the token names is told before anything is decoded, so that coming again costs next to nothing.
    if (charge !== null && principal.kind === 'tenant' && !charge.take(principal.tenantId, 0)) throw overRate(charge);
    for (const chunk of chunks) {
      // Chunks are empty while a large body is being checked; others get their turn then too.
      if (chunksSeen++ > 0) await nextTurn();
      records += chunk.records.length + chunk.malformed.length;
      const all = await mapRegistered(chunk, map, principal, deps, arrivedMs);
      const inChunk = chunk.records.length + chunk.malformed.length;
      const mapped = charge === null ? all : withinRate(all, inChunk, principal, charge);
      refusals.push(...mapped.refusals);
      await writes.add(write(mapped));
    }
    await writes.drain();
    if (charge !== null && charge.refused().size > 0) throw overRate(charge);
    if (full[0] !== undefined) throw full[0];
  } catch (error) {
    await writes.settle();
    const answer = toAnswer(error);
    if (!(answer instanceof DecodeError)) charge?.refund();
    reportHeld(error, charge, deps);
    throw answer;
  }
  refuseForeignBody(signal, records, refusals);
  for (const [reason, { count }] of byReason(refusals)) deps.observer?.refused(reason, count);
  const rejected = Math.min(refusals.length, records);
  deps.observer?.accepted(signal, records - rejected);
  return { accepted: records - rejected, rejected, message: describeRefusals(refusals) };
}

/** A chunk that names tenants unknown so far is mapped again once they are registered, where that is wanted, or were looked for anew. */
async function mapRegistered<C>(
  chunk: C,
  map: (chunk: C) => MappedChunk,
  principal: Principal,
  deps: IngestDeps,
  arrivedMs: number,
): Promise<MappedChunk> {
  const mapped = map(chunk);
  if (mapped.unknownTenants.size === 0) return mapped;
  try {
    if (deps.registerTenants !== null && principal.kind === 'ingest')
      await deps.registerTenants([...mapped.unknownTenants]);
    else if (deps.refreshTenants !== undefined) await deps.refreshTenants(arrivedMs);
    else return mapped;
  } catch (cause) {
    // Whether the tenants are known cannot be told now; a refusal would be for good.
    throw new RequestError('unavailable', undefined, { cause });
  }
  return map(chunk);
}

function overRate(charge: SpanCharge): RequestError {
  const message =
    'More spans per second than the quota of their tenant: send again later (`runledger tenant quota` shows and sets it)';
  return new RequestError('too_many_requests', message, {
    retryAfterSeconds: Math.max(...charge.refused().values()),
  });
}

function reportHeld(error: unknown, charge: SpanCharge | null, { observer }: IngestDeps): void {
  for (const tenantId of charge?.refused().keys() ?? []) observer?.held?.('spans_per_second', tenantId);
  if (error instanceof OpenRunsFull) for (const tenantId of error.tenantIds) observer?.held?.('open_runs', tenantId);
  if (error instanceof ParkedFull) for (const tenantId of error.tenantIds) observer?.held?.('parked_bytes', tenantId);
}

/** Logs and traces share field numbers, so a logs body sent to the traces path decodes to spans without ids: say so instead of dropping them. */
function refuseForeignBody(signal: string, records: number, refusals: readonly Refusal[]): void {
  if (signal !== 'traces' || records === 0 || refusals.length < records) return;
  if (!refusals.every(({ reason }) => reason === 'invalid_ids' || reason === 'malformed')) return;
  throw new RequestError(
    'bad_body',
    `No span of the request has valid ids (${refusals[0]?.message ?? ''}); logs belong to /v1/logs, metrics to /v1/metrics`,
  );
}

/** English, for partial_success: how many of each reason, and what to fix. */
function describeRefusals(refusals: readonly Refusal[]): string | null {
  if (refusals.length === 0) return null;
  return [...byReason(refusals)].map(([reason, { count, message }]) => `${count} ${reason}: ${message}`).join('; ');
}

/** How many of each reason, with the first one's message. */
function byReason(refusals: readonly Refusal[]): Map<RefusalReason, { count: number; message: string }> {
  const counts = new Map<RefusalReason, { count: number; message: string }>();
  for (const { reason, message } of refusals) {
    const entry = counts.get(reason);
    if (entry === undefined) counts.set(reason, { count: 1, message });
    else entry.count++;
  }
  return counts;
}

function toAnswer(error: unknown): unknown {
  if (error instanceof OpenRunsFull) {
    return new RequestError('too_many_requests', OPEN_RUNS_FULL, {
      cause: error,
      retryAfterSeconds: LIMITS.rateRetryAfterSeconds,
    });
  }
  if (error instanceof WriteUnavailable) return new RequestError('unavailable', undefined, { cause: error });
  if (error instanceof ParkedFull) {
    return new RequestError(
      'too_many_requests',
      'Too many spans wait for the root span of their trace: send the root, or put runledger.run.id on every span',
      { cause: error },
    );
  }
  return error;
}

/** At most `size` promises under way; a failure is kept until somebody asks. */
function createWindow(size: number) {
  const open = new Set<Promise<unknown>>();
  let failure: { error: unknown } | null = null;
  const check = () => {
    if (failure !== null) throw failure.error;
  };
  return {
    async add(work: Promise<unknown>): Promise<void> {
      const tracked: Promise<unknown> = work
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => open.delete(tracked));
      open.add(tracked);
      if (open.size >= size) await Promise.race(open);
      check();
    },
    async drain(): Promise<void> {
      await Promise.all(open);
      check();
    },
    settle: () => Promise.all(open),
  };
}
