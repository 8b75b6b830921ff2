/**
 * The demo's own count against the ledger, value by value; and the vendors' books against it too, which were kept on the other side of the
 * wire. Any difference is a fault of the SDK, the receiver or the ledger.
 */

import type { RunPageData } from '../receiver/cli/run_data.ts';
import type { StageStats, VendorUsage } from '../receiver/serve/shape.ts';
import type { ModelUsage } from '../receiver/serve/shape_costs.ts';
import type { PlayedRun } from './perform.ts';
import { NANO_USD } from './prices.ts';
import type { StageTally, VendorTally } from './tally.ts';
import type { VendorBooks } from './vendor_accounts.ts';

export interface Difference {
  run: string;
  /** Such as `stage crawl` or `vendor openai, by its own books`. */
  of: string;
  value: string;
  demo: string;
  ledger: string;
}

export interface Comparison {
  /** Values that were compared. */
  values: number;
  differences: Difference[];
}

type Facts = Record<string, string | number | boolean>;

/** @param pages what the ledger has of each run, in the same order */
export function compareWithLedger(runs: readonly PlayedRun[], pages: readonly RunPageData[]): Comparison {
  const comparison: Comparison = { values: 0, differences: [] };
  for (const [index, played] of runs.entries()) {
    const page = pages[index];
    if (page === undefined) throw new Error(`the ledger was not asked for ${played.tally.runKey}`);
    const compareValues = (names: Iterable<string>, of: string, own: Facts, ledger: Facts) => {
      for (const value of names) {
        comparison.values++;
        const [demo, stored] = [String(own[value] ?? 'nothing'), String(ledger[value] ?? 'nothing')];
        if (demo !== stored) comparison.differences.push({ run: played.tally.runKey, of, value, demo, ledger: stored });
      }
    };
    const compare = (of: string, own: Facts, ledger: Facts) => compareValues(Object.keys(own), of, own, ledger);
    // And of what the ledger has, anything that the demo knows nothing of.
    const compareAll = (of: string, own: Facts, ledger: Facts) =>
      compareValues(new Set([...Object.keys(own), ...Object.keys(ledger)]), of, own, ledger);
    compare('run', runOf(played), ledgerRun(page));
    compareNamed(played.tally.stages, byName(page.stats.stage_stats, 'stage'), (name, own, stored) =>
      compareAll(`stage ${name}`, stageFacts(own), ledgerStage(stored)),
    );
    compareNamed(played.tally.vendors, byName(page.stats.vendor_usage, 'vendor'), (name, own, stored) => {
      compareAll(`vendor ${name}`, vendorFacts(own), ledgerVendor(stored));
      const books = played.account.books.get(name);
      if (books !== undefined)
        compare(`vendor ${name}, by its own books`, bookedFacts(name, books), ledgerVendor(stored));
    });
    const models = page.stats.model_usage.filter((line) => line.model !== null);
    compareNamed(
      played.tally.models,
      new Map(models.map((line) => [`${line.vendor} ${line.model}`, line])),
      (name, own, stored) => compareAll(`model ${name}`, modelFacts(own), ledgerModel(stored)),
    );
    compareAll('metrics', Object.fromEntries(played.tally.metrics), statedMetrics(page));
  }
  return comparison;
}

/** Buckets are counted by the ledger itself, when it derives. */
function statedMetrics({ metrics }: RunPageData): Facts {
  return Object.fromEntries(Object.entries(metrics.metrics).filter(([name]) => !name.startsWith('bucket_')));
}

/** Goes through the names of both sides; a side that lacks one has `undefined`. */
function compareNamed<A, B>(
  own: ReadonlyMap<string, A>,
  stored: ReadonlyMap<string, B>,
  compare: (name: string, own: A | undefined, stored: B | undefined) => void,
): void {
  for (const name of new Set([...own.keys(), ...stored.keys()])) compare(name, own.get(name), stored.get(name));
}

function byName<K extends string, T extends Record<K, string>>(rows: readonly T[], key: K): Map<string, T> {
  return new Map(rows.map((row) => [row[key], row]));
}

function runOf({ tally, tenant, night }: PlayedRun): Facts {
  return {
    tenant: tenant.tenantId,
    status: tally.outcome,
    degraded: tally.degraded,
    'started at': night.startedAt.getTime(),
    'stages sent': tally.stages.size,
    'stages stored': tally.stages.size,
    'items sent': tally.items,
    'items stored': tally.items,
    'vendor calls sent': tally.vendorCalls,
    'vendor calls stored': tally.vendorCalls,
    complete: true,
  };
}

function ledgerRun({ run }: RunPageData): Facts {
  return {
    tenant: run.tenant_id,
    status: run.status,
    degraded: run.degraded,
    'started at': Date.parse(run.started_at ?? ''),
    'stages sent': run.sent?.stages ?? 'nothing',
    'stages stored': run.stored.stages,
    'items sent': run.sent?.items ?? 'nothing',
    'items stored': run.stored.items,
    'vendor calls sent': run.sent?.vendor_calls ?? 'nothing',
    'vendor calls stored': run.stored.vendor_calls,
    complete: run.complete ?? 'not stated',
  };
}

function stageFacts(stage: StageTally | undefined): Facts {
  if (stage === undefined) return {};
  return {
    failed: stage.failed,
    total: stage.total,
    success: stage.success,
    errors: stage.error,
    retries: stage.retries,
    fallbacks: stage.fallbacks,
    'tokens in': stage.tokensInput,
    'tokens out': stage.tokensOutput,
    'cost in USD': decimal(stage.nanoUsd),
  };
}

function ledgerStage(stage: StageStats | undefined): Facts {
  if (stage === undefined) return {};
  return {
    failed: stage.status === 'error',
    total: stage.count_total,
    success: stage.count_success,
    errors: stage.count_error,
    retries: stage.retry_count,
    fallbacks: stage.fallback_count,
    'tokens in': stage.tokens_input,
    'tokens out': stage.tokens_output,
    'cost in USD': plain(stage.cost_usd),
  };
}

function vendorFacts(vendor: VendorTally | undefined): Facts {
  if (vendor === undefined) return {};
  return {
    calls: vendor.calls,
    errors: vendor.errors,
    'rate limit hits': vendor.rateLimitHits,
    'quota exhausted': vendor.quotaExhausted,
    'tokens in': vendor.tokensInput,
    'tokens out': vendor.tokensOutput,
    'cost in USD': decimal(vendor.nanoUsd),
  };
}

function ledgerVendor(vendor: VendorUsage | undefined): Facts {
  if (vendor === undefined) return {};
  return {
    calls: vendor.calls,
    errors: vendor.errors,
    'rate limit hits': vendor.rate_limit_hits,
    'quota exhausted': vendor.quota_exhausted,
    'tokens in': vendor.tokens_input,
    'tokens out': vendor.tokens_output,
    'cost in USD': plain(vendor.cost_usd),
  };
}

function modelFacts(model: VendorTally | undefined): Facts {
  if (model === undefined) return {};
  const { calls, errors, tokensInput, tokensOutput, nanoUsd } = model;
  return { calls, errors, 'tokens in': tokensInput, 'tokens out': tokensOutput, 'cost in USD': decimal(nanoUsd) };
}

function ledgerModel(model: ModelUsage | undefined): Facts {
  if (model === undefined) return {};
  const { calls, errors, tokens_input, tokens_output, cost_usd } = model;
  return { calls, errors, 'tokens in': tokens_input, 'tokens out': tokens_output, 'cost in USD': plain(cost_usd) };
}

/** What the vendor would put on its invoice. */
function bookedFacts(vendor: string, books: VendorBooks): Facts {
  const prices: Record<string, number> = {
    tavily: NANO_USD.tavilyCredit,
    lusha: NANO_USD.lushaCredit,
    zerobounce: NANO_USD.zerobounceAddress,
    apify_linkedin: NANO_USD.apifyCompany,
  };
  return {
    'rate limit hits': books.rateLimited,
    'quota exhausted': books.outOfCredit > 0,
    'tokens in': books.tokensInput,
    'tokens out': books.tokensOutput,
    'cost in USD': decimal(books.tokensNanoUsd + books.credits * (prices[vendor] ?? 0)),
  };
}

/** Billionths of a dollar as decimal text without needless zeros. */
function decimal(nanoUsd: number): string {
  const digits = String(nanoUsd).padStart(10, '0');
  return plain(`${digits.slice(0, -9)}.${digits.slice(-9)}`);
}

function plain(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
