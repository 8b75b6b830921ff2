/** Cuts work in two, again and again, until what the database refuses stands alone and everything else can be written without it. */

import { type Batch, noWork } from './batch.ts';

/** Two parts of the work: halves of the batches, else of the one batch's rows, else of what it has beside rows; null for a single thing. */
export function split(batches: readonly Batch[]): [Batch[], Batch[]] | null {
  const [batch] = batches;
  if (batch === undefined) return null;
  if (batches.length > 1) return halves(batches);
  const { rows } = batch;
  const beside = thingsBeside(batch);
  const empty = { ...noWork(), leavesParked: batch.leavesParked, refused: batch.refused };
  if (rows.length > 1) {
    // Everything beside the rows goes with the first half; both halves report to the same list.
    const [first, second] = halves(rows);
    return [[{ ...batch, rows: first }], [{ ...empty, rows: second }]];
  }
  // Only a row that is alone is at fault for certain: a binding brings rows that waited for it.
  if (rows.length === 1 && beside.length > 0) return [[{ ...batch, rows: [] }], [{ ...empty, rows }]];
  if (beside.length < 2) return null;
  const [first, second] = halves(beside).map((things, part) => {
    const { refusals, rootsWithoutRun } = part === 0 ? batch : noWork();
    const half = { ...noWork(), leavesParked: batch.leavesParked, refused: batch.refused, refusals, rootsWithoutRun };
    for (const addTo of things) addTo(half);
    return half;
  });
  return first === undefined || second === undefined ? null : [[first], [second]];
}

/**
 * Takes what the database refuses out of a batch that cannot be split.
 * @returns what was left out, for the log, or null when nothing is left that could be.
 */
export function leaveOut(batch: Batch, code: string): string | null {
  const [row] = batch.rows;
  if (row !== undefined) {
    const message = `the database refused a value (${code})`;
    const refusal = { tenantId: row.tenantId, reason: 'not_storable' as const, message };
    batch.rows = [];
    batch.refused.push(refusal);
    batch.refusals.push(refusal);
    return `a row was refused by the database: ${code}`;
  }
  if (batch.bindings.length > 0 && !batch.leavesParked) {
    batch.leavesParked = true;
    return `rows that waited for their trace were refused by the database and stay parked: ${code}`;
  }
  if (thingsBeside(batch).length === 0) return null;
  Object.assign(batch, { bindings: [], heartbeats: [], unpark: null });
  return `the database refused a binding, a heartbeat or rows that wait: ${code}`;
}

/** Bindings, heartbeats and what a sweep found, each as that which adds it to another batch. */
function thingsBeside({ bindings, heartbeats, unpark }: Batch): ((to: Batch) => void)[] {
  const unparkOf = (to: Batch) => {
    to.unpark ??= { traces: [], runs: [] };
    return to.unpark;
  };
  return [
    ...bindings.map((binding) => (to: Batch) => void to.bindings.push(binding)),
    ...heartbeats.map((heartbeat) => (to: Batch) => void to.heartbeats.push(heartbeat)),
    ...(unpark?.traces ?? []).map((trace) => (to: Batch) => void unparkOf(to).traces.push(trace)),
    ...(unpark?.runs ?? []).map((run) => (to: Batch) => void unparkOf(to).runs.push(run)),
  ];
}

function halves<T>(list: readonly T[]): [T[], T[]] {
  const middle = list.length >> 1;
  return [list.slice(0, middle), list.slice(middle)];
}
