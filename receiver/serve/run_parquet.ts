/** A run's events, and its QA samples, as Parquet: the columns of the CSV files in their order, each with its type. */

import type { Scope } from './access.ts';
import { EVENT_COLUMNS, type EventCells, eventPages, type RunBounds } from './events_csv.ts';
import { type Cell, type ParquetColumn, type ParquetKind, parquetFile } from './parquet.ts';

type EventColumn = (typeof EVENT_COLUMNS)[number];

const COUNT = { kind: 'int64', nullable: false } as const;
const NAME = { kind: 'text', nullable: false } as const;
const MAYBE_TEXT = { kind: 'text', nullable: true } as const;

const EVENT_TYPES: Readonly<Record<EventColumn, { kind: ParquetKind; nullable: boolean }>> = {
  run_id: COUNT,
  tenant_id: { kind: 'int32', nullable: false },
  stage: NAME,
  company_id: { kind: 'int64', nullable: true },
  event: NAME,
  status: NAME,
  error_code: MAYBE_TEXT,
  duration_ms: { kind: 'int32', nullable: true },
  trace_id: NAME,
  extra: { kind: 'json', nullable: true },
  ts: { kind: 'time', nullable: false },
  span_id: NAME,
  seq: { kind: 'int32', nullable: false },
  kind: NAME,
  vendor: MAYBE_TEXT,
  calls: COUNT,
  errors: COUNT,
  units_total: COUNT,
  units_success: COUNT,
  units_error: COUNT,
  rate_limit_hits: COUNT,
  quota_exhausted: { kind: 'boolean', nullable: false },
  // Decimal text: the ledger's amounts have as many decimals as the price had, which no DECIMAL of fixed scale holds.
  cost_usd: MAYBE_TEXT,
  tokens_input: COUNT,
  tokens_output: COUNT,
  price_id: MAYBE_TEXT,
  bucket: MAYBE_TEXT,
  metrics: { kind: 'json', nullable: true },
};

const EVENT_PARQUET: readonly ParquetColumn[] = EVENT_COLUMNS.map((name) => ({ name, ...EVENT_TYPES[name] }));

export interface ParquetExport {
  pieces: AsyncGenerator<Uint8Array>;
  /** Rows read so far; final when the pieces have ended. */
  rowCount(): number;
}

export function eventsParquet(scope: Scope, run: RunBounds): ParquetExport {
  return counted(EVENT_PARQUET, eventPages(scope, run));
}

export const QA_COLUMNS: readonly ParquetColumn[] = [
  { name: 'run_id', ...COUNT },
  { name: 'tenant_id', kind: 'int32', nullable: false },
  { name: 'company_id', ...COUNT },
  { name: 'bucket', ...NAME },
  { name: 'checks', kind: 'json', nullable: false },
  { name: 'result', ...NAME },
  { name: 'notes', ...MAYBE_TEXT },
  { name: 'created_at', kind: 'time', nullable: false },
  { name: 'reviewer', ...MAYBE_TEXT },
  { name: 'reviewed_at', kind: 'time', nullable: true },
  { name: 'item', ...NAME },
];

/** @param rows of queries/serve/qa_rows */
export function qaParquet(rows: Cell[][]): ParquetExport {
  async function* pages() {
    yield rows;
  }
  return counted(QA_COLUMNS, pages());
}

function counted(columns: readonly ParquetColumn[], pages: AsyncIterable<EventCells[]>): ParquetExport {
  let rowCount = 0;
  async function* counting() {
    for await (const page of pages) {
      rowCount += page.length;
      yield page;
    }
  }
  return { pieces: parquetFile(columns, counting()), rowCount: () => rowCount };
}
