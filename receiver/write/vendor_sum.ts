/** What rows add to the vendors that a run used, and to the run's own metrics. */

import type { EventRow } from '../map/row.ts';
import { DecimalSum } from './decimal.ts';
import { compareText, entry } from './order.ts';
import { timestampText } from './timestamp.ts';

export interface VendorSum {
  row: EventRow;
  calls: number;
  errors: number;
  cost: DecimalSum;
  rateLimitHits: number;
  quotaExhausted: boolean;
  tokensInput: number;
  tokensOutput: number;
  unpricedCalls: number;
  unpricedTokens: number;
}

export interface MetricSum {
  row: EventRow;
  name: string;
  set: { value: string; row: EventRow } | null;
  added: DecimalSum | null;
}

export function newVendor(row: EventRow): VendorSum {
  return {
    row,
    calls: 0,
    errors: 0,
    cost: new DecimalSum(),
    rateLimitHits: 0,
    quotaExhausted: false,
    tokensInput: 0,
    tokensOutput: 0,
    unpricedCalls: 0,
    unpricedTokens: 0,
  };
}

export function addToVendor(vendor: VendorSum, row: EventRow): void {
  vendor.calls += row.calls;
  vendor.errors += row.errors;
  vendor.rateLimitHits += row.rateLimitHits;
  vendor.quotaExhausted ||= row.quotaExhausted;
  vendor.tokensInput += row.tokensInput;
  vendor.tokensOutput += row.tokensOutput;
  if (row.costUsd !== null) vendor.cost.add(row.costUsd);
  else {
    vendor.unpricedCalls += row.calls;
    vendor.unpricedTokens += row.tokensInput + row.tokensOutput;
  }
}

export function vendorRecord(vendor: VendorSum): object {
  return {
    run_id: vendor.row.runId,
    tenant_id: vendor.row.tenantId,
    vendor: vendor.row.vendor,
    calls: vendor.calls,
    errors: vendor.errors,
    cost_usd: vendor.cost.toString(),
    rate_limit_hits: vendor.rateLimitHits,
    quota_exhausted: vendor.quotaExhausted,
    tokens_input: vendor.tokensInput,
    tokens_output: vendor.tokensOutput,
    unpriced_calls: vendor.unpricedCalls,
    unpriced_tokens: vendor.unpricedTokens,
  };
}

export function addMetrics(metrics: Map<string, MetricSum>, runText: string, row: EventRow): void {
  const of = (name: string) => entry(metrics, `${runText}:${name}`, () => ({ row, name, set: null, added: null }));
  for (const [name, value] of Object.entries(row.metrics?.set ?? {})) {
    const metric = of(name);
    if (metric.set === null || compareSets({ value, row }, metric.set) > 0) metric.set = { value, row };
  }
  for (const [name, value] of Object.entries(row.metrics?.add ?? {})) {
    const metric = of(name);
    metric.added ??= new DecimalSum();
    metric.added.add(value);
  }
}

function compareSets(a: NonNullable<MetricSum['set']>, b: NonNullable<MetricSum['set']>): number {
  return a.row.tsUs - b.row.tsUs || compareText(a.row.spanId, b.row.spanId) || Number(a.value) - Number(b.value);
}

export function metricRecord({ row, name, set, added }: MetricSum): object {
  return {
    run_id: row.runId,
    tenant_id: row.tenantId,
    name,
    set_value: set?.value ?? null,
    set_at: set === null ? null : timestampText(set.row.tsUs),
    set_span_id: set?.row.spanId ?? null,
    added_value: added?.toString() ?? null,
  };
}
