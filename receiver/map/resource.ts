/** The resource attributes of a run, kept once per run in enrichment_runs.resource. */

import { Extra } from './extra.ts';
import type { Mapping } from './mapping.ts';
import type { View } from './view.ts';

export function resourceJson(view: View, mapping: Mapping): string | null {
  // One chunk has one resource, and most chunks hold no run span at all.
  if (mapping.resourceJson === null) {
    mapping.resourceJson = new Extra(mapping.redact).finish(view.resource) ?? '';
  }
  return mapping.resourceJson === '' ? null : mapping.resourceJson;
}
