/**
 * Group commit. Requests that wait together are written together; two groups at a time, because two large groups beat eight small ones.
 * A promise resolves after its rows are committed, so that an answer 200 means stored.
 */

import type pg from 'pg';
import { LIMITS } from '../limits.ts';
import type { MappedChunk, Refusal } from '../map/row.ts';
import { NO_QUOTAS, type Quotas } from '../quota.ts';
import { errorCode } from '../store/errors.ts';
import { forgetPartitions } from '../store/partitions.ts';
import { isRetryable, isRowFault } from '../store/pool.ts';
import { loadSql } from '../store/sql.ts';
import { createAdmission, type OpenRunsFull } from './admission.ts';
import { type Batch, isEmpty, noWork, toBatch, type WriteResult } from './batch.ts';
import { BindingCache, followsTrace } from './bindings.ts';
import { findResent, type GroupTools, writeGroup } from './group.ts';
import { NameCache } from './names.ts';
import { ParkedFull } from './parked.ts';
import { createRunIds } from './runs.ts';
import { leaveOut, split } from './split.ts';
import { findUnparkable } from './sweep.ts';

/** The queue is full or the database does not answer: the sender keeps its data and comes back. */
export class WriteUnavailable extends Error {
  override readonly name = 'WriteUnavailable';
}

export { OPEN_RUNS_FULL, OpenRunsFull } from './admission.ts';
export { ParkedFull } from './parked.ts';

/** What happened, for metrics; durations in seconds. */
export interface WriterObserver {
  groupCommitted?(result: WriteResult, rows: number, durationSeconds: number): void;
  queueChanged?(waitingRows: number): void;
}

export interface WriterOptions {
  /** Of runledger_ingest, with room for `writers` transactions and as many short statements. */
  pool: pg.Pool;
  writers?: number;
  /** Of tenants, as they are now. */
  quotas?: () => Quotas;
  observer?: WriterObserver;
  log?: (message: string) => void;
}

export interface Writer {
  /**
   * Resolves after the commit with the rows that cannot be stored.
   * @throws WriteUnavailable, ParkedFull, OpenRunsFull: nothing or part of the chunk is stored, and sending it again is harmless.
   */
  write(chunk: MappedChunk): Promise<Refusal[]>;
  /** Places parked rows whose run became known while they were being parked. @returns how many traces and runs it looked at. */
  sweepParked(): Promise<number>;
  /** Removes and counts what has waited for LIMITS.parkedHours. @returns how many rows. */
  expireParked(): Promise<number>;
  /** Rows waiting for a transaction. */
  waitingRows(): number;
  /** Writes what waits, then refuses. */
  close(): Promise<void>;
}

interface Pending {
  batch: Batch;
  /** What became of the rest when some of it has to wait. */
  full: OpenRunsFull | null;
  resolve(refused: Refusal[]): void;
  reject(error: unknown): void;
  /** Its sender was told to come back: it is not begun any more. */
  isLate: boolean;
}

const DEFAULT_WRITERS = 2;
const TRIES = 4;
/** Whatever failed slowly (a lock that somebody holds, a server that does not answer) is tried again by the sender, behind the others. */
const TRY_AGAIN_WITHIN_MS = 2_000;
/** Exporters wait ten seconds for an answer; one that hangs up would not learn when to come back. */
const ANSWER_WITHIN_MS = 8_000;
/** After a row turned out to be stored although it was not expected, more of them are likely. */
const CAREFUL_MS = 10_000;
const UNIQUE_VIOLATION = '23505';
/** A broken check, or a row whose day has no partition: PostgreSQL has one code for both. */
const CHECK_VIOLATION = '23514';

export async function createWriter(options: WriterOptions): Promise<Writer> {
  const { pool, observer, quotas = () => NO_QUOTAS, log = () => undefined } = options;
  const role = await pool.query<{ bypasses_policies: boolean; adopted: boolean }>(loadSql('queries/write/read_role'));
  const tools: GroupTools = {
    pool,
    runIds: createRunIds(pool),
    bindings: new BindingCache(),
    names: new NameCache(quotas),
    bypassesPolicies: role.rows[0]?.bypasses_policies === true,
    adopted: role.rows[0]?.adopted === true,
    quotas,
  };
  const admission = createAdmission(pool, tools.adopted, quotas);
  const queue: Pending[] = [];
  let waitingRows = 0;
  let active = 0;
  let closing = false;
  let carefulUntilMs = 0;
  let idle: (() => void) | null = null;

  const forgetCaches = () => {
    tools.runIds.clear();
    tools.bindings.clear();
    tools.names.clear();
    admission.clear();
  };

  /** Writes batches together; on trouble smaller and more carefully, until each row is stored or known to be at fault. */
  async function writeBatches(batches: readonly Batch[]): Promise<void> {
    const resent =
      performance.now() < carefulUntilMs ? new Set(batches) : await withTries(() => findResent(tools, batches));
    const quick = batches.filter((batch) => !resent.has(batch));
    if (quick.length > 0) await writeOrSplit(quick, 'quick');
    if (resent.size > 0) await writeOrSplit([...resent], 'careful');
  }

  async function writeOrSplit(
    batches: readonly Batch[],
    mode: 'quick' | 'careful',
    knowsPartitions = false,
  ): Promise<void> {
    const started = performance.now();
    try {
      const result = await withTries(() => writeGroup(tools, batches, mode));
      observer?.groupCommitted?.(result, countRows(batches), (performance.now() - started) / 1000);
    } catch (error) {
      if (errorCode(error) === UNIQUE_VIOLATION && mode === 'quick') {
        carefulUntilMs = performance.now() + CAREFUL_MS;
        await writeOrSplit(batches, 'careful');
      } else if (errorCode(error) === CHECK_VIOLATION && !knowsPartitions) {
        // Retention may have dropped a day that this process remembers: the next try looks again and tells its rows from bad ones.
        forgetPartitions(pool);
        await writeOrSplit(batches, mode, true);
      } else if (isRowFault(error)) await writeHalves(batches, mode, error);
      else throw error;
    }
  }

  async function writeHalves(batches: readonly Batch[], mode: 'quick' | 'careful', error: unknown): Promise<void> {
    const halves = split(batches);
    if (halves === null) {
      const batch = batches[0];
      const left = batch === undefined ? null : leaveOut(batch, `${errorCode(error)}`);
      if (batch === undefined || left === null) throw error;
      log(left);
      if (!isEmpty(batch)) await writeOrSplit([batch], mode, true);
      return;
    }
    for (const half of halves) await writeOrSplit(half, mode, true);
  }

  async function withTries<T>(work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (!isRetryable(error)) throw error;
        forgetCaches();
        if (attempt >= TRIES || performance.now() - started > TRY_AGAIN_WITHIN_MS)
          throw new WriteUnavailable('the database does not take data now', { cause: error });
        await new Promise((resolve) => setTimeout(resolve, 25 * 2 ** attempt * (0.5 + Math.random())));
      }
    }
  }

  function takeGroup(): Pending[] {
    const group: Pending[] = [];
    let rows = 0;
    for (;;) {
      const next = queue[0];
      if (next === undefined || (group.length > 0 && rows + next.batch.rows.length > LIMITS.groupRows)) break;
      queue.shift();
      if (next.isLate) {
        waitingRows -= next.batch.rows.length;
        continue;
      }
      group.push(next);
      rows += next.batch.rows.length;
    }
    return group;
  }

  async function runGroups(): Promise<void> {
    active++;
    try {
      for (let group = takeGroup(); group.length > 0; group = takeGroup()) {
        const rows = countRows(group.map(({ batch }) => batch));
        await settle(group);
        waitingRows -= rows;
        observer?.queueChanged?.(waitingRows);
      }
    } finally {
      active--;
      if (active === 0 && queue.length === 0) idle?.();
    }
  }

  async function settle(group: readonly Pending[]): Promise<void> {
    try {
      await writeBatches(await admitted(group));
      for (const { batch, full, resolve, reject } of group) full === null ? resolve(batch.refused) : reject(full);
    } catch (error) {
      if (error instanceof ParkedFull && group.length > 1) {
        // Only the requests of the tenants that are full have to come back.
        const isFull = ({ batch }: Pending) =>
          batch.rows.some((row) => error.tenantIds.has(row.tenantId) && followsTrace(row));
        const full = group.filter(isFull);
        for (const { reject } of full) reject(error);
        const rest = group.filter((pending) => !isFull(pending));
        if (full.length > 0 && rest.length > 0) await settle(rest);
        else if (full.length === 0) for (const { reject } of group) reject(error);
        return;
      }
      for (const { reject } of group) reject(error);
    }
  }

  /** The group's batches without the new runs that have to wait. */
  async function admitted(group: readonly Pending[]): Promise<Batch[]> {
    const batches = group.map(({ batch }) => batch);
    const full = await withTries(() => admission.holdBack(batches));
    for (const pending of group) pending.full ??= full.get(pending.batch) ?? null;
    return batches.filter((batch) => !isEmpty(batch));
  }

  function enqueue(batch: Batch): Promise<Refusal[]> {
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        batch,
        full: null,
        isLate: false,
        resolve(refused) {
          clearTimeout(timer);
          resolve(refused);
        },
        reject(error) {
          clearTimeout(timer);
          reject(error);
        },
      };
      // What is being written goes on; sent again, it is found to be stored.
      const timer = setTimeout(() => {
        pending.isLate = true;
        reject(new WriteUnavailable('the database does not answer in time'));
      }, ANSWER_WITHIN_MS);
      queue.push(pending);
      waitingRows += batch.rows.length;
      observer?.queueChanged?.(waitingRows);
      if (active < (options.writers ?? DEFAULT_WRITERS)) void runGroups();
    });
  }

  return {
    waitingRows: () => waitingRows,
    async write(chunk) {
      if (closing) throw new WriteUnavailable('the receiver is stopping');
      const batch = toBatch(chunk);
      if (isEmpty(batch)) return [];
      if (waitingRows > 0 && waitingRows + batch.rows.length > LIMITS.queuedRows)
        throw new WriteUnavailable('too many rows wait to be written');
      return enqueue(batch);
    },
    async sweepParked() {
      const unpark = await findUnparkable(pool, tools.adopted);
      const found = unpark.traces.length + unpark.runs.length;
      if (found > 0) await enqueue({ ...noWork(), unpark });
      return found;
    },
    async expireParked() {
      const before = new Date(Date.now() - LIMITS.parkedHours * 3_600_000).toISOString();
      const { rows } = await pool.query<{ spans: number }>(loadSql('queries/write/expire_parked'), [
        before,
        new Date().toISOString().slice(0, 10),
        LIMITS.parkedRows,
      ]);
      return rows.length;
    },
    async close() {
      closing = true;
      if (active === 0 && queue.length === 0) return;
      await new Promise<void>((resolve) => {
        idle = resolve;
      });
    },
  };
}

function countRows(batches: readonly Batch[]): number {
  return batches.reduce((sum, { rows }) => sum + rows.length, 0);
}
