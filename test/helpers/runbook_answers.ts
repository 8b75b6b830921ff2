/**
 * What each block of SQL in the runbooks must show of the night in seed_trouble.ts, block by block: rows that must be in the answer, the
 * first of them as its first row. Worked out by hand from what was seeded.
 */
import type { PlainRow } from './plain_rows.ts';
import { BAD_RUN, SHORT_RUN, SILENT_RUN } from './seed_trouble.ts';

const AT = (time: string) => `2026-11-20T${time}.000Z`;
const recovery = (more: PlainRow = {}): PlainRow[] => [{ state: 'firing', resolved_at: null, ...more }];
const BAD_DAY = '2026-11-20';
const LAST_GOOD_DAY = '2026-11-19';

export const SHOWN: Record<string, PlainRow[][]> = {
  'MV-01': [
    [{ run_id: BAD_RUN, run_status: 'failed', status: 'error', count_error: 1, duration_ms: 60_000 }],
    [{ ts: AT('02:01:01'), event: 'error', error_code: '55P03' }],
    [
      { run_id: BAD_RUN, stage_status: 'error', seconds: 60 },
      { run_id: 12, stage_status: 'ok', seconds: 20 },
    ],
    [{ waiting_query: 'select count(*) from public.run_metrics', state: 'idle in transaction' }],
    recovery(),
  ],
  'CR-02': [
    [
      { run_id: BAD_RUN, count_total: 200, count_error: 120, error_rate: 0.6, fallback_count: 12 },
      { run_id: 12, error_rate: 0.05 },
    ],
    [
      { error_code: 'TIMEOUT', errors: 2, median_ms: 9000 },
      { error_code: 'HTTP_403', errors: 1 },
    ],
    [{ ten_minutes: AT('02:10:00'), items: 4, errors: 3 }],
    [
      { error_code: 'HTTP_403', company_id: 11 },
      { error_code: 'TIMEOUT', company_id: 13, duration_ms: 9900 },
    ],
    recovery(),
  ],
  'VQ-03': [
    [{ vendor: 'lusha', calls: 50, errors: 20, rate_limit_hits: 3, quota_exhausted: true, cost_usd: 2.75 }],
    [{ error_code: 'HTTP_402', stage: 'crawl', errors: 1, quota_exhausted: true }],
    [
      { day: BAD_DAY, calls: 50, rate_limit_hits: 3 },
      { day: LAST_GOOD_DAY, calls: 100, rate_limit_hits: 0, cost_usd: 5.5 },
    ],
    [
      { tenant_id: 7, calls: 150, rate_limit_hits: 3, runs_quota_exhausted: 1 },
      { tenant_id: 8, calls: 100, rate_limit_hits: 0 },
    ],
    recovery({ subject: 'lusha' }),
  ],
  'OA-04': [
    [{ calls: 90, errors: 40, rate_limit_hits: 35, tokens_input: 900_000, p95_ms: 8000 }],
    [{ minute: AT('02:51:00'), calls: 2, rate_limit_hits: 3 }],
    [{ stage: 'score', model: 'model-a', error_code: 'HTTP_429', rate_limit_hits: 3 }],
    [{ tenant_id: 7, run_id: BAD_RUN, calls: 90, rate_limit_hits: 35 }],
    recovery({ subject: 'openai' }),
  ],
  'CC-05': [
    [
      { run_id: BAD_RUN, considered: 480, selected: 30 },
      { run_id: 12, considered: 500, selected: 200 },
    ],
    [
      { stage: 'mv_refresh', status: 'error' },
      { stage: 'select_targets', status: 'ok' },
    ],
    [
      { pipeline_version: '1.1.0', runs: 1, selected_on_average: 30 },
      { pipeline_version: '1.0.0', runs: 12, selected_on_average: 200 },
    ],
    recovery({ value: 30, limit_value: 50 }),
  ],
  'OE-06': [
    [{ status: 'error', count_total: 60, count_error: 10, retry_count: 3 }],
    [{ kind: 'item', error_code: 'MISSING_DEFAULT', errors: 1, example_item: 21 }],
    [{ company_id: 21, error_code: 'MISSING_DEFAULT' }],
    recovery(),
  ],
  'RF-07': [
    [
      { stage: 'mv_refresh', status: 'error' },
      { stage: 'export_odoo', status: 'error', count_error: 10 },
    ],
    [
      { stage: 'crawl', kind: 'item', error_code: 'TIMEOUT', errors: 2 },
      { stage: 'mv_refresh', error_code: '55P03', errors: 1 },
    ],
    [{ stage: '_run', event: 'error', error_code: 'EXPORT_FAILED' }],
    [
      { run_id: BAD_RUN, status: 'failed', pipeline_version: '1.1.0', duration_ms: 5_400_000 },
      { run_id: 12, status: 'succeeded', pipeline_version: '1.0.0' },
    ],
    recovery({ run_id: BAD_RUN }),
  ],
  'RM-08': [
    [
      { due_at: AT('05:00:00'), start_by: AT('05:15:00'), run_id: null, cron: '0 5 * * *' },
      { due_at: '2026-11-19T05:00:00.000Z', run_id: 70 },
    ],
    [
      { run_id: SILENT_RUN, pipeline: 'weekly', same_pipeline: false },
      { run_id: 70, pipeline: 'billing', same_pipeline: true },
    ],
    [{ day: BAD_DAY, reason: 'future', spans: 12 }],
    [{ name: 'billing', is_good: false }],
    [{ reason: 'no_run_yet', spans: 1 }],
    recovery({ pipeline: 'billing' }),
  ],
  'RS-09': [
    [{ run_id: SILENT_RUN, status: 'running', ended_at: null, minutes_silent: 80 }],
    [{ stage: 'crawl', status: 'running', ended_at: null, count_total: 3 }],
    [{ ts: AT('04:40:00'), stage: 'crawl', kind: 'item', company_id: 31 }],
    [{ run_id: SILENT_RUN, status: 'running', minutes: null, units: 3 }],
    recovery({ rule: 'run_stuck', subject: 'silent' }),
  ],
  'CB-10': [
    [
      { vendor: 'openai', day: BAD_DAY, cost_usd: 31.25, unpriced_calls: 5 },
      { vendor: 'lusha', day: LAST_GOOD_DAY, cost_usd: 5.5 },
    ],
    [{ run_id: BAD_RUN, cost_usd: 34, has_unpriced_usage: true }],
    [{ stage: 'score', vendor: 'openai', model: 'model-a', cost_usd: 31.25 }],
    [
      { vendor: 'openai', cost_usd: 79.25, cost_is_complete: false },
      { vendor: 'lusha', cost_usd: 68.75, cost_is_complete: true },
    ],
    recovery({ subject: 'day', value: 34, limit_value: 20 }),
  ],
  'LR-11': [
    [
      { run_id: SHORT_RUN, p50_ms: 800, p95_ms: 9000, duration_samples: 200 },
      { run_id: 85, p50_ms: 800, p95_ms: 2000 },
    ],
    [
      { vendor: 'tavily', run_id: SHORT_RUN, p95_ms: 8000 },
      { vendor: 'tavily', run_id: 85, p95_ms: 1500 },
    ],
    [
      { company_id: 41, duration_ms: 9400 },
      { company_id: 42, duration_ms: 700 },
    ],
    [
      { week: '2026-11-16', class: 'item', runs: 5, samples: 1000 },
      { week: '2026-11-09', runs: 2, samples: 400, p95_ms: 1987 },
    ],
    recovery({ subject: 'crawl', value: 9000, limit_value: 3000 }),
  ],
  'QA-12': [
    [
      { run_id: 12, reviewer: 'ana', reviewed: 2, failed: 2, pass_rate: 0 },
      { run_id: 9, passed: 3, pass_rate: 1 },
    ],
    [
      { check_name: 'domain', failed_samples: 4, not_met: 4 },
      { check_name: 'about_text', not_met: 0 },
    ],
    [{ run_id: 12, company_id: 509, notes: 'another company', reviewer: 'ana' }],
    [
      { run_id: BAD_RUN, qa_reviewed: 0, qa_pass_rate: null, crawl_success_rate: 0.4, verified_email_rate: 0 },
      { run_id: 12, qa_reviewed: 2, qa_pass_rate: 0, fallback_rate: 0.25, verified_email_rate: 0.6 },
    ],
    recovery({ value: 0.6, limit_value: 0.8 }),
  ],
  'IN-13': [
    [
      { tenant_id: 0, subject: 'audit' },
      { tenant_id: 0, subject: 'delivery:ops' },
      { tenant_id: 7, subject: 'incomplete', pipeline: 'nightly', run_id: BAD_RUN },
      { tenant_id: 7, subject: 'parked' },
      { tenant_id: 7, subject: 'refused:future' },
      { tenant_id: 7, subject: 'rule:crawl_error_rate' },
    ],
    [{ tenant_id: 7, day: BAD_DAY, reason: 'future', spans: 12 }],
    [{ tenant_id: 7, reason: 'no_run_yet', spans: 1, traces: 1 }],
    [{ run_id: BAD_RUN, stages_missing: 0, items_missing: 10, dropped_by_sender: 0 }],
    [
      { audited_at: AT('04:00:00'), difference: 3, runs_checked: 40 },
      { difference: 0, runs_checked: 39 },
    ],
    [{ channel: 'ops', state: 'dead', attempts: 12, last_error: 500 }],
    [
      { tenant_id: 7, rule: 'cost_budget', parameters: { per_day_usd: 20 } },
      { tenant_id: 7, rule: 'crawl_error_rate', parameters: { warn_above: 'much' } },
    ],
    recovery({ subject: 'audit' }),
  ],
  'SL-14': [
    [{ month: '2026-11-01', runs: 21, runs_failed: 1, run_success_rate: 0.952381, verified_email_rate: 0.580645 }],
    [{ run_id: BAD_RUN, status: 'failed' }],
    [
      { pipeline: 'nightly', runs: 13, succeeded: 12, worst_day_p95_minutes: 60 },
      { pipeline: 'refresh', runs: 7, succeeded: 7 },
    ],
    [
      { code: 'IN-13', times: 4, hours_open: null },
      { code: 'RS-09', times: 2 },
      { code: 'CB-10', times: 1 },
    ],
    recovery({ subject: 'run_success_rate', value: 0.9524, limit_value: 0.98 }),
  ],
};
