/** The item that a row is about, from the attribute list that is nearest. */

import type { Extra } from './extra.ts';
import { FIELD } from './fields.ts';
import { nameItem } from './ids.ts';
import type { Mapping } from './mapping.ts';
import type { EventRow } from './row.ts';
import type { View } from './view.ts';

export function addItem(row: EventRow, view: View, mapping: Mapping, extra: Extra, around?: View): void {
  const value = view.get(FIELD.item) ?? around?.get(FIELD.item);
  if (value === undefined) return;
  const item = nameItem(value, row.tenantId, mapping.redactIdentity);
  if (item === null) {
    extra.mark('item_ignored');
    return;
  }
  row.companyId = item.id;
  if (item.text !== null) extra.itemId(item.text);
}
