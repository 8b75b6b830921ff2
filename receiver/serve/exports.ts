/** GET /export/run_events.csv. The number of rows follows the body in the trailer X-Runledger-Rows, so that a reader can tell it got all. */

import { pipeline } from 'node:stream/promises';
import { Router } from 'express';
import { readScope, type ScopePools } from './access.ts';
import { eventsCsv } from './events_csv.ts';
import { check, exportQuery } from './input.ts';
import { readRun, resolveTenant } from './read.ts';

const ROWS_TRAILER = 'X-Runledger-Rows';

export function exportRoutes(pools: ScopePools): Router {
  const router = Router();

  router.get('/export/run_events.csv', async (req, res) => {
    const { run_id: ref, tenant } = check(exportQuery, req.query);
    const scope = readScope(res, pools);
    const run = await scope.read(async (client) => readRun(client, ref, await resolveTenant(client, scope, tenant)));
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
  });

  return router;
}
