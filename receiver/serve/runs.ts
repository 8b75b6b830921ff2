/** GET /runs, /runs/:id, /runs/:id/stats and /runs/:id/metrics. */

import { type Request, type Response, Router } from 'express';
import { readScope, type ScopePools } from './access.ts';
import { check, runQuery, runRefParam, runsQuery } from './input.ts';
import { readMetrics, readRun, readRuns, readStats, resolveTenant } from './read.ts';
import type { Run } from './shape.ts';

export interface RunLinks {
  /** Base address of a Jaeger UI; null: no links to it. */
  jaegerUiUrl: string | null;
}

export function runRoutes(pools: ScopePools, links: RunLinks): Router {
  const router = Router();

  router.get('/runs', async (req, res) => {
    const { tenant, ...filter } = check(runsQuery, req.query);
    const scope = readScope(res, pools);
    const page = await scope.read(async (client) => {
      return readRuns(client, { ...filter, tenantId: await resolveTenant(client, scope, tenant) });
    });
    res.json(page);
  });

  router.get('/runs/:id', async (req, res) => {
    const run = await withRun(pools, req, res, async (_client, found) => found);
    res.json({ ...run, links: runLinks(run, links) });
  });

  router.get('/runs/:id/stats', async (req, res) => {
    res.json(await withRun(pools, req, res, readStats));
  });

  router.get('/runs/:id/metrics', async (req, res) => {
    res.json(await withRun(pools, req, res, readMetrics));
  });

  return router;
}

type ReadOfRun<T> = (client: Parameters<typeof readRun>[0], run: Run) => Promise<T>;

async function withRun<T>(pools: ScopePools, req: Request, res: Response, read: ReadOfRun<T>): Promise<T> {
  const ref = check(runRefParam, req.params.id, 'id');
  const { tenant } = check(runQuery, req.query);
  const scope = readScope(res, pools);
  return scope.read(async (client) =>
    read(client, await readRun(client, ref, await resolveTenant(client, scope, tenant))),
  );
}

/** Where else this run can be looked at; null where there is nothing to link to. */
export function runLinks(run: Pick<Run, 'trace_id' | 'langsmith_trace_url'>, links: RunLinks) {
  const traceId = run.trace_id !== null && /^[0-9a-f]{32}$/.test(run.trace_id) ? run.trace_id : null;
  const base = links.jaegerUiUrl?.replace(/\/+$/, '') ?? null;
  return {
    jaeger: base !== null && traceId !== null ? `${base}/trace/${traceId}` : null,
    langsmith: run.langsmith_trace_url,
  };
}
