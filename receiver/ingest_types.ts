/** What the protocol servers ask of the ingest flow: bytes and a principal in, counts out, after the commit. */

import type { Encoding } from './decode/shape.ts';
import type { Principal } from './map/snapshot.ts';

export interface IngestResult {
  /** Records of this request that are in the ledger now, resent ones included. */
  accepted: number;
  /** Records that are permanently bad and must not be sent again. */
  rejected: number;
  /** English: what was refused and why. null or '' when there is nothing to say. */
  message: string | null;
}

/**
 * Each call resolves after the commit. It throws RequestError for a failure that has an answer of its own and DecodeError for a body
 * that is no such message; anything else is answered 503, so that the sender keeps its data. The body's memory is used again once the
 * call has settled.
 */
export interface Ingest {
  traces(body: Uint8Array, encoding: Encoding, principal: Principal): Promise<IngestResult>;
  logs(body: Uint8Array, encoding: Encoding, principal: Principal): Promise<IngestResult>;
}
