/**
 * The nightly enrichment of one tenant, written as an application would write it: stages one after the other, told to the ledger by the
 * public SDK and by nothing else.
 */

import { langsmithUrl, run } from '../sdk/index.ts';
import type { DemoTenant } from './companies.ts';
import { VendorError } from './http.ts';
import type { Night } from './nights.ts';
import type { Shift, StageProgress } from './shift.ts';
import { exportToOdoo, score, verifyEmails } from './stages_deliver.ts';
import { crawl, findContacts, refreshView, searchInstead, selectTargets } from './stages_find.ts';
import { RunTally } from './tally.ts';

export const PIPELINE = 'nightly';

export const STAGES = [
  'mv_refresh',
  'select_targets',
  'crawl',
  'tavily',
  'lusha',
  'verify_emails',
  'score',
  'export_odoo',
] as const;

const CRAWL_ERRORS_TO_WARN = 0.3;
/** A rate over fewer units says nothing. */
const FEWEST_UNITS_FOR_RATE = 20;

export interface NightlyOptions {
  tenant: DemoTenant;
  night: Night;
  runKey: string;
  vendorsUrl: string;
  /** Under which the vendors know this tenant tonight. */
  account: string;
  signal: AbortSignal;
  onProgress(progress: StageProgress): void;
}

/** @returns the demo's own count of the night; a night that fails is an outcome and no error */
export async function runNightly(options: NightlyOptions): Promise<RunTally> {
  const { tenant, night, runKey, signal } = options;
  const tally = new RunTally(tenant.tenantId, runKey);
  const facts = { environment: 'demo', startedAt: night.startedAt, langsmithUrl: exampleTraceUrl(runKey) };
  try {
    await run({ tenant: tenant.tenantId, pipeline: PIPELINE, id: runKey, ...facts }, async (run) => {
      try {
        await workThrough({ ...options, run, tally, outOfCredit: new Set() });
      } catch (error) {
        if (signal.aborted) run.cancel('stopped at the keyboard');
        throw error;
      }
    });
    tally.outcome = 'succeeded';
  } catch (error) {
    if (!signal.aborted && !(error instanceof VendorError)) throw error;
    tally.outcome = signal.aborted ? 'cancelled' : 'failed';
  }
  return tally;
}

async function workThrough(shift: Shift): Promise<void> {
  await refreshView(shift);
  const prospects = await selectTargets(shift);
  await crawl(shift, prospects);
  await searchInstead(shift, prospects);
  await findContacts(shift, prospects);
  await verifyEmails(shift, prospects);
  await score(shift, prospects);
  await exportToOdoo(shift, prospects);
  judge(shift);
}

/** A night without scores has failed, though it went through to the end; one that lacks something else is degraded. */
function judge({ run, tally, outOfCredit }: Shift): void {
  if (tally.stage('score').failed) {
    throw new VendorError('most companies have no score: the quota of OpenAI is used up', {
      code: 'insufficient_quota',
    });
  }
  const { total, error } = tally.stage('crawl');
  const crawledBadly = total >= FEWEST_UNITS_FOR_RATE && error > total * CRAWL_ERRORS_TO_WARN;
  if (outOfCredit.size === 0 && !crawledBadly) return;
  run.degraded();
  tally.degraded = true;
}

/** The form of a link to LangSmith; the project is made up, so it leads nowhere. */
function exampleTraceUrl(runKey: string): string {
  const place = {
    endpoint: 'https://api.smith.langchain.com',
    workspaceId: 'demo-workspace',
    projectId: 'demo-project',
  };
  return langsmithUrl(runKey, place) ?? '';
}
