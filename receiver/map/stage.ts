/** The stage a record belongs to: its own statement, never its parents'. */

import { LIMITS } from '../limits.ts';
import type { Mapping } from './mapping.ts';
import { RUN_STAGE, UNASSIGNED_STAGE } from './row.ts';
import { cutName } from './text.ts';

/** The storable name. `_run` is ours: a stage that calls itself so is as good as unnamed. */
export function stageName(stated: string | null, mapping: Mapping): string {
  if (stated === null || stated === RUN_STAGE) return UNASSIGNED_STAGE;
  return cutName(mapping.cleanName(stated), LIMITS.stageChars);
}
