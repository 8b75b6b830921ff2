/**
 * A run's events as CSV, a page at a time by key: each page is a short read of its own, and the next is read only when the one before
 * has left for the client. So the memory of an export does not grow with the run, and a client that stops reading holds nothing in the
 * database. Cells that a spreadsheet would run as a formula get an apostrophe in front.
 */

import { Readable } from 'node:stream';
import { type Stringifier, stringify } from 'csv-stringify';
import { loadSql } from '../store/sql.ts';
import type { Scope } from './access.ts';
import type { Run } from './shape.ts';

/** The first eleven, in this order, are a promise to everybody who reads the file. */
export const EVENT_COLUMNS = [
  'run_id',
  'tenant_id',
  'stage',
  'company_id',
  'event',
  'status',
  'error_code',
  'duration_ms',
  'trace_id',
  'extra',
  'ts',
  'span_id',
  'seq',
  'kind',
  'vendor',
  'calls',
  'errors',
  'units_total',
  'units_success',
  'units_error',
  'rate_limit_hits',
  'quota_exhausted',
  'cost_usd',
  'tokens_input',
  'tokens_output',
  'price_id',
  'bucket',
  'metrics',
] as const;

const TS = EVENT_COLUMNS.indexOf('ts');
const SPAN_ID = EVENT_COLUMNS.indexOf('span_id');
const SEQ = EVENT_COLUMNS.indexOf('seq');
const BEFORE_ANY_SEQ = -(2 ** 31);

/** Rows of one page: about 1 MB, read in a few milliseconds. */
const PAGE_ROWS = 1000;

/** A row of the query: text in every column but seq, which is a number. */
export type EventCells = (string | number | null)[];
export type RunBounds = Pick<Run, 'tenant_id' | 'run_id' | 'first_event_at' | 'last_event_at'>;

/** The run's rows in key order, page by page. The end is the run's last event time as it was when the run was read. */
export async function* eventPages(scope: Scope, run: RunBounds, pageRows = PAGE_ROWS): AsyncGenerator<EventCells[]> {
  let from: string | null = run.first_event_at;
  let after: { spanId: string; seq: number } = { spanId: '', seq: BEFORE_ANY_SEQ };
  while (from !== null) {
    const values = [run.tenant_id, run.run_id, from, run.last_event_at, after.spanId, after.seq, pageRows];
    const query = { text: loadSql('queries/serve/event_page'), values, rowMode: 'array' as const };
    const { rows } = await scope.read((client) => client.query<EventCells>(query));
    if (rows.length > 0) yield rows;
    const last: EventCells | undefined = rows.at(-1);
    if (last === undefined || rows.length < pageRows) return;
    from = String(last[TS]);
    after = { spanId: String(last[SPAN_ID]), seq: Number(last[SEQ]) };
  }
}

/** Of every CSV file: a header, and no cell that a spreadsheet would run as a formula. */
export const CSV_OPTIONS = { header: true, escape_formulas: true, cast: { string: neutraliseIndented } };

export interface EventsCsv {
  stream: Stringifier;
  /** Rows read so far, the header not counted; final when the stream has ended. */
  rowCount(): number;
}

export function eventsCsv(scope: Scope, run: RunBounds): EventsCsv {
  let rowCount = 0;
  async function* rows(): AsyncGenerator<EventCells> {
    for await (const page of eventPages(scope, run)) {
      for (const row of page) {
        rowCount += 1;
        yield row;
      }
    }
  }
  const source = Readable.from(rows(), { highWaterMark: 64 });
  const stream = stringify({ ...CSV_OPTIONS, columns: [...EVENT_COLUMNS] });
  source.on('error', (error) => stream.destroy(error));
  stream.on('close', () => source.destroy());
  source.pipe(stream);
  return { stream, rowCount: () => rowCount };
}

/**
 * escape_formulas looks at the first character only, but spreadsheets trim: a formula behind spaces or line breaks runs as well. A tab or
 * carriage return in front is left to escape_formulas, so that no cell gets two apostrophes.
 */
function neutraliseIndented(cell: string): string {
  return /^[\s\u00a0]+[=+\-@＝＋－＠]/u.test(cell) && !/^[\t\r]/.test(cell) ? `'${cell}` : cell;
}
