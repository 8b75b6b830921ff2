/** Names repeat: the storable form of one is worked out once, and remembered while there is room. */

import { LIMITS } from '../limits.ts';
import type { Redact } from './privacy.ts';
import { RUN_STAGE, UNASSIGNED_STAGE } from './row.ts';
import type { Snapshot } from './snapshot.ts';
import { cleanText, cutBytes, cutChars, cutName } from './text.ts';
import { canonicalVendor } from './vendor.ts';

export interface Names {
  /** After privacy, of any length. */
  clean(name: string): string;
  /** Of a span, as JSON text for extra. */
  shownJson(name: string): string;
  stage(name: string): string;
  /** Lower case, through the alias table; '' for a name without letters. */
  vendor(name: string): string;
}

const MAX_CACHED_NAMES = 10_000;
/** Longer ones are worked out each time, so that a sender cannot fill the memory with names. */
const MAX_CACHED_CHARS = 256;

export function createNames(redact: Redact, snapshot: Snapshot): Names {
  const clean = remember((name) => redact(cleanText(name)));
  return {
    clean,
    shownJson: remember((name) =>
      JSON.stringify(cutBytes(cutChars(clean(name), LIMITS.messageChars), LIMITS.extraValueBytes)),
    ),
    // `_run` is ours: a stage that calls itself so is as good as unnamed.
    stage: remember((name) => (name === RUN_STAGE ? UNASSIGNED_STAGE : cutName(clean(name), LIMITS.stageChars))),
    vendor: remember((name) => canonicalVendor(clean(name), snapshot)),
  };
}

export function remember<T>(work: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const found = work(name);
    if (name.length <= MAX_CACHED_CHARS) {
      if (known.size >= MAX_CACHED_NAMES) known.clear();
      known.set(name, found);
    }
    return found;
  };
}
