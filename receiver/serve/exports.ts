/** GET /export/run_events.csv. The number of rows follows the body in the trailer X-Runledger-Rows, so that a reader can tell it got all. */

import { pipeline } from 'node:stream/promises';
import type { z } from 'zod';
import { eventsCsv } from './events_csv.ts';
import { exportQuery, type StoredKey } from './input.ts';
import { readRun, resolveTenant } from './read.ts';
import { type Route, route } from './route.ts';

const ROWS_TRAILER = 'X-Runledger-Rows';

export function exportRoutes({ storedKey }: { storedKey: StoredKey }): Route[] {
  return [
    route<z.ZodType, typeof exportQuery, z.ZodType, z.ZodType>({
      method: 'get',
      path: '/export/run_events.csv',
      access: 'read',
      summary: 'The events of a run as CSV',
      query: exportQuery,
      answer: { mediaType: 'text/csv', description: `One line an event; the trailer ${ROWS_TRAILER} says how many` },
      async handle({ query: { run_id: ref, tenant } }, { scope, req, res }) {
        const run = await scope.read(async (client) => {
          return readRun(client, ref, await resolveTenant(client, scope, tenant), storedKey);
        });
        res.set({
          'Content-Type': 'text/csv; charset=utf-8; header=present',
          'Content-Disposition': `attachment; filename="run_events_${run.tenant_id}_${run.run_id}.csv"`,
        });
        if (req.method === 'HEAD') {
          res.end();
          return;
        }
        // Only a chunked body can have a trailer; Node ends the process of whoever announces one without.
        const hasTrailer = req.httpVersion === '1.1';
        if (hasTrailer) res.set('Trailer', ROWS_TRAILER);
        const csv = eventsCsv(scope, run);
        await pipeline(csv.stream, res, { end: false });
        if (hasTrailer) res.addTrailers({ [ROWS_TRAILER]: String(csv.rowCount()) });
        res.end();
      },
    }),
  ];
}
