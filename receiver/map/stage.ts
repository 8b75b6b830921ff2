/** The stage a record belongs to: its own statement, never its parents'. */

import type { Mapping } from './mapping.ts';
import { UNASSIGNED_STAGE } from './row.ts';

export function stageName(stated: string | null, mapping: Mapping): string {
  return stated === null ? UNASSIGNED_STAGE : mapping.names.stage(stated);
}
