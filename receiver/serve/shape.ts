/** What the read queries give, as JSON carries it: times are ISO 8601 text with up to microseconds, money is decimal text in US dollars. */

export interface RunLine {
  run_id: number;
  tenant_id: number;
  /** null for tenants that have a number only. */
  tenant_name: string | null;
  run_key: string | null;
  pipeline: string | null;
  environment: string | null;
  pipeline_version: string | null;
  status: string;
  degraded: boolean;
  /** Whether all that the sender says it sent is stored; null: it did not say. */
  complete: boolean | null;
  started_at: string | null;
  ended_at: string | null;
  duration_ms: number | null;
  last_event_at: string | null;
  trace_id: string | null;
  langsmith_trace_url: string | null;
}

export interface ListedRun extends RunLine {
  stages: number;
  stage_errors: number;
  cost_usd: string;
  /** False: some calls had no known price, cost_usd is "at least". */
  cost_complete: boolean;
}

export interface RunCounts {
  stages: number;
  items: number;
  vendor_calls: number;
}

export interface Run extends RunLine {
  first_event_at: string | null;
  last_received_at: string | null;
  derived_at: string | null;
  /** null: the sender did not say what it sent. */
  sent: (RunCounts & { dropped: number }) | null;
  stored: RunCounts;
  resource: Record<string, unknown> | null;
}

/** Milliseconds; null over no samples. */
export interface Percentiles {
  p50_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
  duration_samples: number;
}

export interface StageStats extends Percentiles {
  stage: string;
  status: string | null;
  started_at: string | null;
  ended_at: string | null;
  duration_ms: number;
  count_total: number;
  count_success: number;
  count_error: number;
  retry_count: number;
  fallback_count: number;
  duration_class: string | null;
  cost_usd: string;
  /** null: no longer known, the events are gone. */
  cost_complete: boolean | null;
  tokens_input: number;
  tokens_output: number;
}

export interface VendorUsage extends Percentiles {
  vendor: string;
  calls: number;
  errors: number;
  rate_limit_hits: number;
  quota_exhausted: boolean;
  tokens_input: number;
  tokens_output: number;
  cost_usd: string;
  cost_complete: boolean;
  unpriced_calls: number;
  unpriced_tokens: number;
}

export interface RunStats {
  run_id: number;
  tenant_id: number;
  stage_stats: StageStats[];
  vendor_usage: VendorUsage[];
}

export interface RunMetrics {
  run_id: number;
  tenant_id: number;
  metrics: Record<string, number>;
}
