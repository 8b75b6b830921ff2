/** What mapping one chunk works with, and what it hands out. */

import type { PriceUsage } from './price.ts';
import type { Redact } from './privacy.ts';
import type { MappedChunk, RefusalReason } from './row.ts';
import type { Principal, Snapshot } from './snapshot.ts';

/** What one record came to, for `runledger explain`. */
export type Outcome = { kind: string; refused: RefusalReason | null; message: string | null; nestedIn?: string };

/** Everything that mapping one chunk needs, and where it puts what it finds. */
export interface Mapping {
  readonly snapshot: Snapshot;
  readonly principal: Principal;
  readonly receivedAtUs: number;
  readonly redact: Redact;
  readonly priceUsage: PriceUsage;
  /** Names repeat: the storable form of one is worked out once. */
  readonly cleanName: (name: string) => string;
  readonly out: MappedChunk;
  /** JSON text of the chunk's resource for enrichment_runs, made when the first run span asks. */
  resourceJson: string | null;
}

export function emptyChunk(): MappedChunk {
  return {
    rows: [],
    bindings: [],
    heartbeats: [],
    refusals: [],
    rootsWithoutRun: [],
    unknownTenants: new Set<string>(),
    otherSpans: 0,
  };
}
