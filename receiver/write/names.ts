/** At most so many stages and vendors per run, by the tenant's quota; what comes beyond is counted under `_other` and says so. */

import type pg from 'pg';
import { LIMITS } from '../limits.ts';
import { type EventRow, OTHER_NAME } from '../map/row.ts';
import { NO_QUOTAS, type Quotas } from '../quota.ts';
import { loadSql } from '../store/sql.ts';
import { countsInStage } from './stage_sum.ts';

interface RunNames {
  tenantId: number;
  runId: number;
  stages: Set<string>;
  vendors: Set<string>;
  stagesMax: number;
  vendorsMax: number;
}

const MAX_CACHED_RUNS = 5_000;

/** What each run has, as far as it was committed; a run is asked for once. */
export class NameCache {
  readonly #runs = new Map<string, RunNames>();
  readonly #quotas: () => Quotas;

  constructor(quotas: () => Quotas = () => NO_QUOTAS) {
    this.#quotas = quotas;
  }

  clear(): void {
    this.#runs.clear();
  }

  /** Renames rows beyond the limits. Sets of new names are kept at once: a rolled back name only makes the limit a little stricter. */
  async limit(client: pg.PoolClient, rows: readonly EventRow[]): Promise<void> {
    const runs = new Map<string, RunNames>();
    const unknown: RunNames[] = [];
    const quotas = this.#quotas();
    let last: EventRow | null = null;
    for (const row of rows) {
      if (last !== null && last.runId === row.runId && last.tenantId === row.tenantId) continue;
      last = row;
      const key = `${row.tenantId}:${row.runId}`;
      if (runs.has(key)) continue;
      let names = this.#runs.get(key);
      if (names === undefined) {
        names = noNames(row);
        unknown.push(names);
      }
      const quota = quotas.get(row.tenantId);
      names.stagesMax = quota?.stagesPerRun ?? LIMITS.stagesPerRun;
      names.vendorsMax = quota?.vendorsPerRun ?? LIMITS.vendorsPerRun;
      runs.set(key, names);
    }
    await this.#load(client, unknown);
    for (const row of rows) {
      const names = runs.get(`${row.tenantId}:${row.runId}`);
      if (names !== undefined) limitRow(row, names);
    }
  }

  async #load(client: pg.PoolClient, unknown: readonly RunNames[]): Promise<void> {
    if (unknown.length === 0) return;
    if (this.#runs.size + unknown.length > MAX_CACHED_RUNS) this.#runs.clear();
    const byKey = new Map(unknown.map((names) => [`${names.tenantId}:${names.runId}`, names]));
    const { rows } = await client.query<{ tenant_id: number; run_id: number; kind: 'stage' | 'vendor'; name: string }>(
      loadSql('queries/write/find_names'),
      [unknown.map(({ tenantId }) => tenantId), unknown.map(({ runId }) => runId)],
    );
    for (const row of rows) {
      const names = byKey.get(`${row.tenant_id}:${row.run_id}`);
      (row.kind === 'stage' ? names?.stages : names?.vendors)?.add(row.name);
    }
    for (const [key, names] of byKey) this.#runs.set(key, names);
  }
}

function noNames({ tenantId, runId }: EventRow): RunNames {
  const { stagesPerRun: stagesMax, vendorsPerRun: vendorsMax } = LIMITS;
  return { tenantId, runId, stages: new Set(), vendors: new Set(), stagesMax, vendorsMax };
}

function limitRow(row: EventRow, names: RunNames): void {
  if (countsInStage(row) && !admit(names.stages, row.stage, names.stagesMax)) {
    mark(row, 'stage_limit', row.stage);
    row.stage = OTHER_NAME;
  }
  if (row.vendor !== null && !admit(names.vendors, row.vendor, names.vendorsMax)) {
    mark(row, 'vendor_limit', row.vendor);
    row.vendor = OTHER_NAME;
  }
}

function admit(names: Set<string>, name: string, max: number): boolean {
  if (names.has(name) || name === OTHER_NAME) return true;
  if (names.size >= max) return false;
  names.add(name);
  return true;
}

/**
 * A start row holds nothing that its marker does not know, so it goes unmarked. Added to the text, because parsing it would
 * round integers beyond 2^53. Of two members with one name JSONB keeps the last.
 */
function mark(row: EventRow, limit: string, name: string): void {
  if (row.event === 'start') return;
  const member = `"${limit}":${JSON.stringify(name)}`;
  row.extra = row.extra === null || row.extra === '{}' ? `{${member}}` : `${row.extra.slice(0, -1)},${member}}`;
}
