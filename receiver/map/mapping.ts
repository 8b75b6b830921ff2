/** What mapping one chunk works with, and what it hands out. */

import type { RunNames } from './ids.ts';
import type { Names } from './names.ts';
import type { PriceUsage } from './price.ts';
import type { Redact } from './privacy.ts';
import type { MappedChunk, RefusalReason } from './row.ts';
import type { Principal, Snapshot } from './snapshot.ts';

/** What one record came to, for `runledger explain`. */
export type Outcome = { kind: string; refused: RefusalReason | null; message: string | null; nestedIn?: string };

/** What a mapper works out from its snapshot and keeps. */
export interface Tools {
  readonly snapshot: Snapshot;
  readonly redact: Redact;
  /** For texts that name something: what differs stays different. */
  readonly redactIdentity: Redact;
  readonly priceUsage: PriceUsage;
  readonly names: Names;
  readonly runNames: RunNames;
}

/** Everything that mapping one chunk needs, and where it puts what it finds. */
export interface Mapping extends Tools {
  readonly principal: Principal;
  readonly receivedAtUs: number;
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
