/** One record's outcome in words: maps each record of a chunk alone, so that what comes out is known to be its own. */

import type { Chunk, LogRecord, Span } from '../decode/shape.ts';
import type { Outcome } from '../map/mapping.ts';
import { type EventRow, type MappedChunk, type RunName, SEQ_START } from '../map/row.ts';
import { formatCount, formatUsd } from './format.ts';

export interface Explained {
  name: string;
  trace_id: string;
  span_id: string;
  kind: string | null;
  /** null: not known from the record; it follows its trace's root. */
  tenant: string | null;
  run: string | null;
  stage: string | null;
  /** Rows of run_event_logs. */
  rows: number;
  /** What it does, in words. */
  adds: string[];
  /** The reason's code; null: it is kept. */
  refused: string | null;
  message: string | null;
  unknownTenants: string[];
}

type MapOne<R extends Span | LogRecord> = (chunk: Chunk<R>, outcomes: Outcome[]) => MappedChunk;

export function explainChunk<R extends Span | LogRecord>(chunk: Chunk<R>, mapOne: MapOne<R>): Explained[] {
  const records = chunk.records.map((record) => {
    const outcomes: Outcome[] = [];
    const mapped = mapOne({ ...chunk, records: [record], malformed: [] }, outcomes);
    return explainRecord(record, outcomes[0], mapped);
  });
  const malformed = chunk.malformed.map(({ message }) => ({ ...NOTHING, refused: 'malformed', message }));
  return [...records, ...malformed];
}

const NOTHING: Explained = {
  name: '',
  trace_id: '',
  span_id: '',
  kind: null,
  tenant: null,
  run: null,
  stage: null,
  rows: 0,
  adds: [],
  refused: null,
  message: null,
  unknownTenants: [],
};

function explainRecord(record: Span | LogRecord, outcome: Outcome | undefined, mapped: MappedChunk): Explained {
  const main = mapped.rows.find((row) => row.seq !== SEQ_START) ?? mapped.rows[0];
  const about = main ?? mapped.heartbeats[0] ?? mapped.bindings[0];
  const refusal = mapped.refusals[0];
  return {
    name: 'name' in record ? record.name : record.eventName,
    trace_id: record.traceId,
    span_id: record.spanId,
    kind: outcome?.kind ?? main?.kind ?? null,
    tenant: about === undefined || about.tenantId === 0 ? null : String(about.tenantId),
    run: about === undefined ? null : runText(about.run),
    stage: main?.stage ?? null,
    rows: mapped.rows.length,
    adds: refusal === undefined ? describe(mapped, outcome) : [],
    refused: refusal?.reason ?? outcome?.refused ?? null,
    message: refusal?.message ?? outcome?.message ?? null,
    unknownTenants: [...mapped.unknownTenants],
  };
}

function runText(run: RunName): string | null {
  if (run === null) return null;
  return 'id' in run ? String(run.id) : run.key;
}

function describe(mapped: MappedChunk, outcome: Outcome | undefined): string[] {
  const parts = mapped.rows.flatMap(describeRow);
  if (mapped.rows.some((row) => row.run === null)) parts.push("waits until its trace's root has named a run");
  if (mapped.bindings.length > 0) parts.push('its trace belongs to this run');
  if (mapped.heartbeats.length > 0) parts.push('the run is alive');
  if (mapped.rootsWithoutRun.length > 0) parts.push('a root that names no run: what waits for it stays aside');
  if (outcome?.nestedIn !== undefined) parts.push(`counted in the call of ${outcome.nestedIn} around it`);
  return parts.length > 0 ? parts : ['no row'];
}

function describeRow(row: EventRow): string[] {
  if (row.kind === 'event' || row.kind === 'log') return [`event ${row.event} (${row.status})`];
  if (row.seq === SEQ_START) return [`${row.kind} started`];
  const parts = [row.kind === 'run' ? `run ${row.facts?.status ?? row.status}` : `${row.event} (${row.status})`];
  if (row.unitsTotal > 0) parts.push(units(row));
  if (row.calls > 0) parts.push(calls(row));
  if (row.tokensInput + row.tokensOutput > 0) {
    parts.push(`${formatCount(row.tokensInput)} tokens in, ${formatCount(row.tokensOutput)} out`);
  }
  if (row.costUsd !== null) parts.push(formatUsd(row.costUsd));
  else if (row.kind === 'vendor_call') parts.push('price not known');
  if (row.errorCode !== null) parts.push(`error ${row.errorCode}`);
  if (row.bucket !== null) parts.push(`bucket ${row.bucket}`);
  const metrics = { ...row.metrics?.set, ...row.metrics?.add };
  if (Object.keys(metrics).length > 0) parts.push(`metrics ${Object.keys(metrics).join(', ')}`);
  return [parts.join(', ')];
}

function units(row: EventRow): string {
  const split = [
    [row.unitsSuccess, 'good'],
    [row.unitsError, 'error'],
    [row.unitsTotal - row.unitsSuccess - row.unitsError, 'skipped'],
  ] as const;
  const parts = split.filter(([value]) => value > 0).map(([value, name]) => `${formatCount(value)} ${name}`);
  return `${formatCount(row.unitsTotal)} ${row.unitsTotal === 1 ? 'unit' : 'units'} (${parts.join(', ')})`;
}

function calls(row: EventRow): string {
  const parts = [`${formatCount(row.calls)} ${row.calls === 1 ? 'call' : 'calls'} of ${row.vendor ?? 'a vendor'}`];
  if (row.errors > 0) parts.push(`${formatCount(row.errors)} failed`);
  if (row.rateLimitHits > 0) parts.push(`${formatCount(row.rateLimitHits)} times 429`);
  if (row.quotaExhausted) parts.push('quota used up');
  return parts.join(', ');
}
