/** Everything that `runledger show` says about a run, read in one transaction so that its numbers belong together. */

import type { Queryable } from '../serve/access.ts';
import { readLines, readMetrics, readRun, readStats, readTenantId } from '../serve/read.ts';
import { runLinks } from '../serve/runs.ts';
import type { Run, RunMetrics, RunStats } from '../serve/shape.ts';
import { CliError, EXIT } from './exit.ts';

export interface RunFailure {
  stage: string;
  vendor: string | null;
  kind: 'stage' | 'item' | 'vendor_call';
  error_code: string;
  failures: number;
  first_item: number | null;
  last_at: string;
}

export interface RunPageData {
  run: Run;
  stats: RunStats;
  metrics: RunMetrics;
  failures: RunFailure[];
  links: ReturnType<typeof runLinks>;
}

const FAILURES_SHOWN = 8;

export async function readRunPage(
  client: Queryable,
  ref: string,
  tenantRef: string | undefined,
  jaegerUiUrl: string | null,
): Promise<RunPageData> {
  const run = await readRun(client, ref, await findTenant(client, tenantRef));
  const bounds = [run.tenant_id, run.run_id, run.first_event_at, run.last_event_at];
  return {
    run,
    stats: await readStats(client, run),
    metrics: await readMetrics(client, run),
    failures: await readLines<RunFailure>(client, 'queries/cli/run_failures', [...bounds, FAILURES_SHOWN]),
    links: runLinks(run, { jaegerUiUrl }),
  };
}

/** @throws CliError when the tenant is not registered */
export async function findTenant(client: Queryable, ref: string | undefined): Promise<number | null> {
  if (ref === undefined) return null;
  const tenantId = await readTenantId(client, ref);
  if (tenantId === null) {
    throw new CliError(EXIT.no, `There is no tenant ${ref}\nRun: runledger tenant list`);
  }
  return tenantId;
}
