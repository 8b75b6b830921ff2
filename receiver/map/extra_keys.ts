/** Keys of `extra` that are ours; an attribute of the same name is kept as `attribute.NAME`, so that neither hides the other. */

export const OWN_EXTRA_KEYS: ReadonlySet<string> = new Set([
  'item_id',
  'name',
  'message',
  'cost_usd',
  'dropped_attributes',
  'marks',
  'model',
  'stage_limit',
  'vendor_limit',
]);
