/**
 * Runs for the tests of the API and the commands: nightly enrichment with good, slow and failed work, priced and unpriced vendors. Written
 * by the tests' own writer, as the owner, so that what is read does not depend on the receiver's write path.
 */

import type pg from 'pg';
import { createDays, type LedgerRow, ledgerRow, sequence, writeRows } from '../helpers/ledger_writer.ts';

export interface SeededRun {
  tenantId: number;
  runId: number;
  runKey?: string;
  pipeline?: string;
  status?: 'running' | 'succeeded' | 'failed' | 'cancelled';
  startedAt: Date;
  items?: number;
}

const STAGES = ['mv_refresh', 'select_targets', 'crawl', 'verify_emails', 'score', 'export_odoo'];

/** @param owner speaks as runledger_owner */
export async function seedRun(owner: pg.Pool, run: SeededRun): Promise<LedgerRow[]> {
  const endedAt = new Date(run.startedAt.getTime() + 12 * 60_000 + 4_000);
  await createDays(owner, dayOf(run.startedAt), dayOf(endedAt));
  const rows = nightlyRows(run);
  await writeRows(owner, rows, { status: run.status ?? 'succeeded', now: endedAt });
  await owner.query(SET_FACTS, [
    run.tenantId,
    run.runId,
    run.runKey ?? null,
    run.pipeline ?? 'nightly_enrichment',
    run.startedAt,
    run.status === 'running' ? null : endedAt,
  ]);
  return rows;
}

export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

function nightlyRows({ tenantId, runId, startedAt, items = 40, status }: SeededRun): LedgerRow[] {
  const next = sequence(tenantId * 1000 + runId);
  const run = { tenant_id: tenantId, run_id: runId };
  const at = (ms: number) => `${new Date(startedAt.getTime() + ms).toISOString().slice(0, 23)}${100 + next(900)}Z`;
  const stageMs = 120_000;
  const rows: LedgerRow[] = [];
  for (const [index, stage] of STAGES.entries()) {
    const from = index * stageMs;
    const failed = status === 'failed' && stage === 'export_odoo';
    rows.push(ledgerRow({ ...run, stage, kind: 'stage', seq: 0, ts: at(from), event: 'start' }));
    const byItems = ['crawl', 'verify_emails', 'score'].includes(stage);
    rows.push(
      ledgerRow({
        ...run,
        stage,
        kind: 'stage',
        ts: at(from + stageMs - 1000),
        status: failed ? 'error' : 'ok',
        duration_ms: stageMs - 1000,
        ...(byItems ? { units_total: 0, units_success: 0 } : {}),
      }),
    );
    if (byItems)
      for (let item = 0; item < items; item++) rows.push(...itemRows(stage, item, () => at(from + next(stageMs))));
  }
  const said = (kind: string) => rows.filter((row) => row.kind === kind && row.seq === 1).length;
  const metrics = {
    set: { candidates_considered: '12480', candidates_selected: String(items) },
    add: { emails_found: String(items - 3), emails_verified: '21' },
    sent: { stages: said('stage'), items: said('item'), vendor_calls: said('vendor_call'), dropped: 0 },
  };
  rows.push(ledgerRow({ ...run, kind: 'run', ts: at(723_000), metrics }));
  return rows;

  function itemRows(stage: string, item: number, when: () => string): LedgerRow[] {
    const failed = next(12) === 0;
    const state = failed ? ('error' as const) : ('ok' as const);
    const main = ledgerRow({ ...run, stage, kind: 'item', ts: when(), status: state, duration_ms: 80 + next(9_000) });
    const vendor = { crawl: 'tavily', verify_emails: 'zerobounce', score: 'openai' }[stage] ?? 'lusha';
    const call = ledgerRow({
      ...run,
      stage,
      kind: 'vendor_call',
      ts: when(),
      vendor,
      status: state,
      duration_ms: 40 + next(4_000),
      rate_limit_hits: next(9) === 0 ? 1 : 0,
      quota_exhausted: vendor === 'zerobounce' && item === items - 1,
      cost_usd: vendor === 'openai' ? `0.0${10_000 + next(80_000)}` : vendor === 'tavily' ? '0.008' : null,
      ...(vendor === 'openai'
        ? {
            tokens_input: 900 + next(4_000),
            tokens_output: 80 + next(500),
            extra: { model: item % 3 === 0 ? 'gpt-4o' : 'gpt-4o-mini' },
          }
        : {}),
    });
    const retry =
      next(10) === 0
        ? [ledgerRow({ ...run, stage, kind: 'event', seq: 2, ts: when(), event: 'retry', status: 'retry' })]
        : [];
    return [main, call, ...retry];
  }
}

const SET_FACTS = `
update public.enrichment_runs
set run_key = $3, pipeline = $4, started_at = $5, ended_at = $6, environment = 'production', pipeline_version = '1.4.2',
  trace_id = repeat('ab', 16), langsmith_trace_url = 'https://smith.langchain.com/public/4f2c/r'
where tenant_id = $1 and run_id = $2`;
