/**
 * What people say about a run by the API, as rows like those of spans: it begins, or it is cancelled. They take part in the register of the
 * run's state at the server's time, are counted, resent and audited like any other row, and so outlive every rebuild.
 */

import { randomBytes } from 'node:crypto';
import { emptyChunk } from '../map/mapping.ts';
import { blankRow, type MappedChunk, RUN_STAGE, type RunFacts, type RunName, SEQ_MAIN, SEQ_START } from '../map/row.ts';

export interface RunBegin {
  signal: 'begin';
  pipeline: string;
  environment: string | null;
  langsmithUrl: string | null;
}

export interface RunCancel {
  signal: 'cancel';
  /** Kept in extra; after privacy. */
  by: string;
  reason: string;
}

export interface RunSignal {
  tenantId: number;
  run: Exclude<RunName, null>;
  /** Server time, microseconds. */
  atUs: number;
  what: RunBegin | RunCancel;
}

/** The one row of a signal, for Writer.write. Its span id is random, because no span stands behind it. */
export function signalChunk({ tenantId, run, atUs, what }: RunSignal): MappedChunk {
  const begins = what.signal === 'begin';
  const spanId = randomBytes(8).toString('hex');
  const row = blankRow(tenantId, run);
  row.tsUs = atUs;
  row.spanId = spanId;
  row.seq = begins ? SEQ_START : SEQ_MAIN;
  row.kind = 'run';
  row.stage = RUN_STAGE;
  row.event = begins ? 'start' : 'cancel';
  row.status = begins ? 'ok' : 'skip';
  row.extra = JSON.stringify(begins ? { by_api: true } : { by_api: true, by: what.by, reason: what.reason });
  row.facts = factsOf(what, atUs, spanId);
  return { ...emptyChunk(), rows: [row] };
}

function factsOf(what: RunBegin | RunCancel, atUs: number, spanId: string): RunFacts {
  const begin = what.signal === 'begin' ? what : null;
  return {
    status: begin === null ? 'cancelled' : 'running',
    degraded: false,
    startedUs: atUs,
    atUs,
    spanId,
    traceId: '',
    pipeline: begin?.pipeline ?? null,
    environment: begin?.environment ?? null,
    pipelineVersion: null,
    langsmithUrl: begin?.langsmithUrl ?? null,
    resource: null,
    signal: what.signal,
  };
}
