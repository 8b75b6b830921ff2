/** GET /export/*. The number of rows follows the body in the trailer X-Runledger-Rows, so that a reader can tell it got all. */

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Stringifier, stringify } from 'csv-stringify';
import type { Request, Response } from 'express';
import type { z } from 'zod';
import { loadSql } from '../store/sql.ts';
import type { Scope } from './access.ts';
import { eventLinePages } from './event_lines.ts';
import { CSV_OPTIONS, eventsCsv } from './events_csv.ts';
import { exportQuery, type StoredKey } from './input.ts';
import { readRun, resolveTenant } from './read.ts';
import { type Asked, type Route, route } from './route.ts';
import { eventsParquet, type ParquetExport, QA_COLUMNS, qaParquet } from './run_parquet.ts';
import type { Run } from './shape.ts';

const ROWS_TRAILER = 'X-Runledger-Rows';

interface Export {
  stream: Readable | Stringifier;
  /** Final when the stream has ended. */
  rowCount(): number;
}

interface ExportKind {
  path: string;
  /** Of the file; the tenant and run follow. */
  name: string;
  mediaType: string;
  contentType: string;
  summary: string;
  open(scope: Scope, run: Run): Promise<Export>;
}

const CSV = { mediaType: 'text/csv', contentType: 'text/csv; charset=utf-8; header=present' };

const PARQUET = { mediaType: 'application/vnd.apache.parquet', contentType: 'application/vnd.apache.parquet' };

const EXPORTS: readonly ExportKind[] = [
  {
    ...CSV,
    path: '/export/run_events.csv',
    name: 'run_events',
    summary: 'The events of a run as CSV',
    open: async (scope, run) => eventsCsv(scope, run),
  },
  {
    mediaType: 'application/jsonl',
    contentType: 'application/jsonl; charset=utf-8',
    path: '/export/run_events.jsonl',
    name: 'run_events',
    summary: 'The events of a run as JSON lines',
    open: async (scope, run) => eventsJsonLines(scope, run),
  },
  {
    ...PARQUET,
    path: '/export/run_events.parquet',
    name: 'run_events',
    summary: 'The events of a run as Parquet',
    open: async (scope, run) => parquetExport(eventsParquet(scope, run)),
  },
  { ...CSV, path: '/export/qa.csv', name: 'qa', summary: 'The QA samples of a run as CSV', open: qaCsv },
  {
    ...PARQUET,
    path: '/export/qa.parquet',
    name: 'qa',
    summary: 'The QA samples of a run as Parquet',
    open: async (scope, run) => parquetExport(qaParquet(await qaRows(scope, run))),
  },
];

export function exportRoutes({ storedKey }: { storedKey: StoredKey }): Route[] {
  return EXPORTS.map((kind) =>
    route<z.ZodType, typeof exportQuery, z.ZodType, z.ZodType>({
      method: 'get',
      path: kind.path,
      access: 'read',
      summary: kind.summary,
      query: exportQuery,
      answer: { mediaType: kind.mediaType, description: `The trailer ${ROWS_TRAILER} says how many rows it has` },
      async handle({ query: { run_id: ref, tenant } }, { scope, req, res }: Asked) {
        const run = await scope.read(async (client) => {
          return readRun(client, ref, await resolveTenant(client, scope, tenant), storedKey);
        });
        const ending = kind.path.slice(kind.path.lastIndexOf('.'));
        res.set({
          'Content-Type': kind.contentType,
          'Content-Disposition': `attachment; filename="${kind.name}_${run.tenant_id}_${run.run_id}${ending}"`,
        });
        if (req.method === 'HEAD') res.end();
        else await send(req, res, await kind.open(scope, run));
      },
    }),
  );
}

async function send(req: Request, res: Response, { stream, rowCount }: Export): Promise<void> {
  // Only a chunked body can have a trailer; Node ends the process of whoever announces one without.
  const hasTrailer = req.httpVersion === '1.1';
  if (hasTrailer) res.set('Trailer', ROWS_TRAILER);
  await pipeline(stream, res, { end: false });
  if (hasTrailer) res.addTrailers({ [ROWS_TRAILER]: String(rowCount()) });
  res.end();
}

function eventsJsonLines(scope: Scope, run: Run): Export {
  let rows = 0;
  async function* texts(): AsyncGenerator<string> {
    for await (const page of eventLinePages(scope, run)) {
      rows += page.rows;
      yield page.text;
    }
  }
  return { stream: Readable.from(texts(), { highWaterMark: 1 }), rowCount: () => rows };
}

function parquetExport({ pieces, rowCount }: ParquetExport): Export {
  return { stream: Readable.from(pieces, { highWaterMark: 1 }), rowCount };
}

async function qaCsv(scope: Scope, run: Run): Promise<Export> {
  const rows = await qaRows(scope, run);
  const columns = QA_COLUMNS.map(({ name }) => name);
  return { stream: stringify(rows, { ...CSV_OPTIONS, columns }), rowCount: () => rows.length };
}

/** At most a few hundred a run, so that they are read at once. */
async function qaRows(scope: Scope, run: Run): Promise<(string | null)[][]> {
  const query = {
    text: loadSql('queries/serve/qa_rows'),
    values: [run.tenant_id, run.run_id],
    rowMode: 'array' as const,
  };
  const { rows } = await scope.read((client) => client.query<(string | null)[]>(query));
  return rows;
}
