/** What a stage or an item adds to its stage's counts. */

import { VALUE_STRING } from '../decode/shape.ts';
import type { Extra } from './extra.ts';
import { FIELD } from './fields.ts';
import type { EventRow } from './row.ts';
import type { View } from './view.ts';

/** One unit by the row's status; total = success + error + skip. */
export function addOneUnit(row: EventRow): void {
  row.unitsTotal = 1;
  row.unitsSuccess = row.status === 'ok' ? 1 : 0;
  row.unitsError = row.status === 'error' ? 1 : 0;
}

/** self (default): one; items: nothing, its items count; bulk: the numbers that the span states. */
export function addStageUnits(row: EventRow, view: View, extra: Extra): void {
  const unit = view.getOwn(FIELD.stageUnit);
  const stated = unit?.type === VALUE_STRING ? unit.value : 'self';
  if (stated === 'items') return;
  if (stated === 'bulk') {
    addStatedUnits(row, view, extra);
    return;
  }
  if (stated !== 'self') extra.mark('stage_unit_unknown');
  addOneUnit(row);
}

/** A number that is absent is what the others leave of the total. */
function addStatedUnits(row: EventRow, view: View, extra: Extra): void {
  const read = (slot: number) => {
    const count = view.ownCount(slot);
    if (count === null) extra.mark('count_ignored');
    return count ?? null;
  };
  const success = read(FIELD.countSuccess);
  const error = read(FIELD.countError);
  const total = read(FIELD.countTotal) ?? (success ?? 0) + (error ?? 0);
  row.unitsTotal = total;
  row.unitsError = error ?? (success === null ? 0 : Math.max(0, total - success));
  row.unitsSuccess = success ?? Math.max(0, total - row.unitsError);
  if (row.unitsSuccess + row.unitsError > total) extra.mark('count_mismatch');
}
