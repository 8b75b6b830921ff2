/** The addresses of one run's routes, and how often to ask while it lives. */

import type { RunDetail } from '../../receiver/serve/shape.ts';
import { apiPath } from '../api.ts';

/** Which run: the id alone would be ambiguous for those who see several tenants. */
export interface RunPlace {
  tenant: string;
  run: string;
}

export function runPath(
  { tenant, run }: RunPlace,
  part = '',
  query: Record<string, string | number | null> = {},
): string {
  return apiPath(`/runs/${encodeURIComponent(run)}${part === '' ? '' : `/${part}`}`, { tenant, ...query });
}

const LIVE_MS = 2_000;
const DERIVING_MS = 5_000;

/** Every two seconds while it runs, a little longer until its percentiles are computed, then never again. */
export function refreshMs(run: RunDetail | null): number {
  if (run === null) return 0;
  if (run.status === 'running') return LIVE_MS;
  const received = run.last_received_at === null ? 0 : Date.parse(run.last_received_at);
  const isDerived = run.derived_at !== null && Date.parse(run.derived_at) >= received;
  const isRecent = Date.now() - received < 10 * 60_000;
  return !isDerived && isRecent ? DERIVING_MS : 0;
}
