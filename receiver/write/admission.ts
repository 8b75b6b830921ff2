/**
 * The limit of a tenant's open runs, before the write transaction. Only runs that the ledger does not know are ever held back, and none whose
 * end is among the rows: it opens nothing, and what else waits of it gets in once it is stored. Whoever is let in is noted in a short
 * transaction under the tenant's lock, so that two receivers never both give away the last place.
 */

import type pg from 'pg';
import { LIMITS } from '../limits.ts';
import { MADE_IDS_FROM } from '../map/ids.ts';
import type { RunName } from '../map/row.ts';
import type { Quotas } from '../quota.ts';
import { inTransaction } from '../store/pool.ts';
import { loadSql } from '../store/sql.ts';
import type { Batch } from './batch.ts';

/** A tenant has as many runs open as it may: a new one has to come again when one of them has ended. */
export class OpenRunsFull extends Error {
  override readonly name = 'OpenRunsFull';
  readonly tenantIds: ReadonlySet<number>;

  constructor(tenantIds: ReadonlySet<number>) {
    super('too many runs of this tenant are open');
    this.tenantIds = tenantIds;
  }
}

/** For the sender. */
export const OPEN_RUNS_FULL =
  'The tenant has as many runs open as its quota lets it: a new run is let in when one of them has ended or is abandoned ' +
  '(`runledger tenant quota` shows and sets it)';

interface Candidate {
  tenantId: number;
  run: Exclude<RunName, null>;
}

export interface Admission {
  /**
   * Takes out of the batches what belongs to new runs for which there is no place.
   * @returns for each batch that lost something, whose runs they were
   */
  holdBack(batches: readonly Batch[]): Promise<Map<Batch, OpenRunsFull>>;
  /** After a lost connection: a failover may have lost what the cache believes. */
  clear(): void;
}

const MAX_CACHED = 50_000;
const NOTHING: Map<Batch, OpenRunsFull> = new Map();

/** @param adopted runs with a decimal id are another application's to open */
export function createAdmission(pool: pg.Pool, adopted: boolean, quotas: () => Quotas): Admission {
  /** Runs that are stored, as textOf. */
  const stored = new Set<string>();
  return {
    clear: () => stored.clear(),
    async holdBack(batches) {
      const limited = quotas();
      if (limited.size === 0) return NOTHING;
      const candidates = findCandidates(batches, limited, stored, adopted);
      if (candidates.size === 0) return NOTHING;
      await dropKnown(pool, candidates, stored);
      for (const [tenantId, runs] of byTenant(candidates)) {
        const limit = limited.get(tenantId)?.openRuns ?? null;
        const admitted = limit === null ? runs : await admit(pool, tenantId, runs, limit, stored);
        for (const candidate of admitted) candidates.delete(textOf(candidate));
      }
      return takeOut(batches, candidates);
    },
  };

  function findCandidates(
    batches: readonly Batch[],
    limited: Quotas,
    known: Set<string>,
    isAdopted: boolean,
  ): Map<string, Candidate> {
    const candidates = new Map<string, Candidate>();
    const ended = new Set<string>();
    const look = (tenantId: number, run: RunName): void => {
      if (run === null || (limited.get(tenantId)?.openRuns ?? null) === null) return;
      if (isAdopted && 'id' in run && run.id < MADE_IDS_FROM) return;
      const text = textOf({ tenantId, run });
      if (!known.has(text)) candidates.set(text, { tenantId, run });
    };
    for (const { rows, bindings, heartbeats } of batches) {
      for (const { tenantId, run, facts } of rows) {
        look(tenantId, run);
        if (run !== null && facts !== null && facts.status !== 'running') ended.add(textOf({ tenantId, run }));
      }
      for (const { tenantId, run } of bindings) look(tenantId, run);
      for (const { tenantId, run } of heartbeats) look(tenantId, run);
    }
    for (const text of ended) candidates.delete(text);
    return candidates;
  }
}

function textOf({ tenantId, run }: Candidate): string {
  // No key is a decimal number, so that ids and keys have no text in common.
  return `${tenantId}:${'id' in run ? run.id : run.key}`;
}

/** By tenant, in one order for everybody. */
function byTenant(candidates: ReadonlyMap<string, Candidate>): [number, Candidate[]][] {
  const tenants = new Map<number, Candidate[]>();
  for (const candidate of candidates.values()) {
    const runs = tenants.get(candidate.tenantId);
    if (runs === undefined) tenants.set(candidate.tenantId, [candidate]);
    else runs.push(candidate);
  }
  return [...tenants].sort(([a], [b]) => a - b);
}

/** Takes away the candidates that are stored, or were let in before. */
async function dropKnown(
  client: Pick<pg.ClientBase, 'query'>,
  candidates: Map<string, Candidate>,
  stored: Set<string>,
): Promise<void> {
  const asked = [...candidates.values()];
  const { rows } = await client.query<{ index: number; is_stored: boolean }>(loadSql('queries/write/find_admitted'), [
    asked.map(({ tenantId }) => tenantId),
    asked.map(({ run }) => ('key' in run ? run.key : null)),
    asked.map(({ run }) => ('id' in run ? run.id : null)),
    forgottenUntil(),
  ]);
  if (stored.size + rows.length > MAX_CACHED) stored.clear();
  for (const { index, is_stored } of rows) {
    const candidate = asked[index];
    if (candidate === undefined) continue;
    candidates.delete(textOf(candidate));
    if (is_stored) stored.add(textOf(candidate));
  }
}

function forgottenUntil(): string {
  return new Date(Date.now() - LIMITS.admissionSeconds * 1000).toISOString();
}

/** @returns those of the runs for which there is a place, and who are noted as let in. */
function admit(
  pool: pg.Pool,
  tenantId: number,
  runs: readonly Candidate[],
  limit: number,
  stored: Set<string>,
): Promise<Candidate[]> {
  return inTransaction(pool, async (client) => {
    await client.query(loadSql('queries/write/lock_admissions'), [tenantId]);
    await client.query(loadSql('queries/write/forget_admissions'), [tenantId, forgottenUntil()]);
    const open = await client.query<{ open_runs: number }>(loadSql('queries/write/count_open_runs'), [tenantId, limit]);
    // Somebody else may have let one of them in while this one waited for the lock.
    const unknown = new Map(runs.map((candidate) => [textOf(candidate), candidate]));
    await dropKnown(client, unknown, stored);
    const places = Math.max(0, limit - (open.rows[0]?.open_runs ?? limit));
    const waits = new Set([...unknown.values()].slice(places));
    const admitted = [...unknown.values()].slice(0, places);
    if (admitted.length > 0) {
      const ids = [...admitted.flatMap(({ run }) => ('id' in run ? [run.id] : [])), ...(await idsOf(client, admitted))];
      await client.query(loadSql('queries/write/admit_runs'), [tenantId, ids, new Date().toISOString()]);
    }
    return runs.filter((candidate) => !waits.has(candidate));
  });
}

async function idsOf(client: pg.PoolClient, admitted: readonly Candidate[]): Promise<number[]> {
  const keyed = admitted.flatMap(({ tenantId, run }) => ('key' in run ? [{ tenantId, key: run.key }] : []));
  if (keyed.length === 0) return [];
  const parameters = [keyed.map(({ tenantId }) => tenantId), keyed.map(({ key }) => key)];
  await client.query(loadSql('queries/write/add_run_keys'), parameters);
  const { rows } = await client.query<{ run_id: number }>(loadSql('queries/write/find_run_keys'), parameters);
  return rows.map(({ run_id }) => run_id);
}

function takeOut(batches: readonly Batch[], held: ReadonlyMap<string, Candidate>): Map<Batch, OpenRunsFull> {
  if (held.size === 0) return NOTHING;
  const full = new Map<Batch, OpenRunsFull>();
  for (const batch of batches) {
    const tenantIds = new Set<number>();
    const stays = ({ tenantId, run }: { tenantId: number; run: RunName }) => {
      if (run === null || !held.has(textOf({ tenantId, run }))) return true;
      tenantIds.add(tenantId);
      return false;
    };
    const kept = {
      rows: batch.rows.filter(stays),
      bindings: batch.bindings.filter(stays),
      heartbeats: batch.heartbeats.filter(stays),
    };
    if (tenantIds.size === 0) continue;
    // Refusals come again with the request, and are counted then.
    Object.assign(batch, kept, { refusals: [] });
    full.set(batch, new OpenRunsFull(tenantIds));
  }
  return full;
}
