/** The page that `runledger show` prints: what a person asks about a run, in the order in which it is asked. */

import type { RunMetrics, RunStats } from '../serve/shape.ts';
import { formatAgo, formatCount, formatDuration, formatShare, formatTime, formatUsd } from './format.ts';
import { failureColumns, metricColumns, stageColumns, vendorColumns, vendorTotal } from './page_tables.ts';
import type { RunFailure, RunPageData } from './run_data.ts';
import { paintStatus, type Style } from './style.ts';
import { clean, cut, renderTable, textWidth } from './table.ts';

const INDENT = 2;

export interface PageOptions {
  style: Style;
  width: number;
  nowMs: number;
}

/** @returns lines of text, coloured by `style`, none wider than `width` where that can be helped */
export function renderRunPage(data: RunPageData, options: PageOptions): string {
  const sections = [
    renderHeader(data, options),
    renderFacts(data, options),
    renderStages(data, options),
    renderFailures(data.failures, options),
    renderVendors(data.stats, options),
    renderMetrics(data.metrics, options),
    renderElsewhere(data, options),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

function renderHeader({ run }: RunPageData, { style, width }: PageOptions): string {
  const name = run.pipeline ?? 'unnamed pipeline';
  const tenant = run.tenant_name === null ? `tenant ${run.tenant_id}` : `tenant ${run.tenant_name}`;
  const left = `${clean(name)}  ${clean(tenant)}`;
  const status = run.degraded ? `${run.status}, degraded` : run.status;
  const mark = { succeeded: '✓', failed: '✗', running: '…', cancelled: '■', abandoned: '?' }[run.status] ?? ' ';
  const right = `${mark} ${status}`;
  const span = Number.isFinite(width) ? width : 100;
  const gap = ' '.repeat(Math.max(2, span - textWidth(left) - textWidth(right)));
  const painted = paintStatus(style, run.degraded && run.status === 'succeeded' ? 'cancelled' : run.status, right);
  const ids = [
    run.run_key === null ? `run ${run.run_id}` : `run ${run.run_key} (id ${run.run_id})`,
    run.environment,
    run.pipeline_version === null ? null : `version ${run.pipeline_version}`,
  ];
  const second = clean(ids.filter((id) => id !== null).join(' · '));
  const shownName = style.bold(clean(name)) + left.slice(clean(name).length);
  return `${shownName}${gap}${style.bold(painted)}\n${style.dim(cut(second, width))}`;
}

function renderFacts(data: RunPageData, options: PageOptions): string {
  const { run, stats } = data;
  const total = vendorTotal(stats.vendor_usage);
  const units = stats.stage_stats.reduce((sum, stage) => sum + stage.count_total, 0);
  const errors = stats.stage_stats.reduce((sum, stage) => sum + stage.count_error, 0);
  const lastSign = run.last_event_at === null ? null : `last sign ${formatAgo(run.last_event_at, options.nowMs)}`;
  const facts: [string, string][] = [
    ['started', withAgo(run.started_at ?? run.first_event_at, options.nowMs)],
    ['took', run.duration_ms === null ? `not over, ${lastSign ?? 'no sign yet'}` : formatDuration(run.duration_ms)],
    [
      'work',
      units === 0
        ? 'nothing counted'
        : `${formatCount(units)} units in ${plural(stats.stage_stats.length, 'stage')}, ${describeErrors(errors, units)}`,
    ],
    [
      'cost',
      stats.vendor_usage.length === 0 ? 'no vendor was called' : describeCost(total.cost_usd, total.unpriced_calls),
    ],
    ['books', describeCompleteness(data, options.style)],
  ];
  const trouble = findTrouble(data);
  if (trouble.length > 0) facts.unshift(['trouble', options.style.bad(clean(trouble.join(' · ')))]);
  const lines = facts.map(([name, text]) => `${' '.repeat(INDENT)}${options.style.dim(name.padEnd(9))}${text}`);
  return lines.join('\n');
}

/** What a person must know before anything else, in the words they would use. */
function findTrouble({ run, stats }: RunPageData): string[] {
  const failed = stats.stage_stats.filter((stage) => stage.status === 'error').map((stage) => stage.stage);
  const exhausted = stats.vendor_usage.filter((vendor) => vendor.quota_exhausted).map((vendor) => vendor.vendor);
  const limited = stats.vendor_usage.reduce((sum, vendor) => sum + vendor.rate_limit_hits, 0);
  return [
    ...(run.status === 'abandoned' ? ['nothing was heard of it any more'] : []),
    ...(failed.length > 0 ? [`${failed.join(', ')} failed`] : []),
    ...(exhausted.length > 0 ? [`quota of ${exhausted.join(', ')} used up`] : []),
    ...(limited > 0 ? [`${formatCount(limited)} ${limited === 1 ? 'rate limit' : 'rate limits'} hit`] : []),
    ...(run.complete === false ? ['not all that was sent has arrived'] : []),
  ];
}

function withAgo(iso: string | null, nowMs: number): string {
  return iso === null ? 'not known' : `${formatTime(iso)} UTC, ${formatAgo(iso, nowMs)}`;
}

function plural(count: number, name: string): string {
  return `${formatCount(count)} ${name}${count === 1 ? '' : 's'}`;
}

function describeErrors(errors: number, units: number): string {
  if (errors === 0) return 'no errors';
  return `${formatCount(errors)} ${errors === 1 ? 'error' : 'errors'} (${formatShare(units - errors, units)} good)`;
}

function describeCost(costUsd: string, unpricedCalls: number): string {
  if (unpricedCalls === 0) return formatUsd(costUsd);
  const calls = `${formatCount(unpricedCalls)} ${unpricedCalls === 1 ? 'call has' : 'calls have'} no known price`;
  return Number(costUsd) === 0 ? `not known: ${calls}` : `at least ${formatUsd(costUsd)}: ${calls}`;
}

/** Whether the ledger holds what the pipeline says it sent. */
function describeCompleteness({ run }: RunPageData, style: Style): string {
  const { sent, stored } = run;
  if (sent === null) return 'the pipeline did not say how much it sent';
  const kinds = [
    ['stage', sent.stages, stored.stages],
    ['item', sent.items, stored.items],
    // Not "call": one span may stand for a batch of calls, and the table of vendors counts those.
    ['vendor span', sent.vendor_calls, stored.vendor_calls],
  ] as const;
  if (run.complete === true) {
    const counts = kinds.filter(([, said]) => said > 0).map(([name, said]) => plural(said, name));
    return `${style.good('complete')}: ${counts.join(', ') || 'nothing'} sent and stored`;
  }
  const gaps = kinds
    .filter(([, said, have]) => said !== have)
    .map(([name, said, have]) => `${formatCount(have)} of ${plural(said, name)} stored`);
  const dropped = sent.dropped > 0 ? `; the pipeline itself lost ${formatCount(sent.dropped)} spans` : '';
  return `${style.bad('not complete')}: ${gaps.join(', ')}${dropped}`;
}

function renderStages({ run, stats }: RunPageData, options: PageOptions): string {
  if (stats.stage_stats.length === 0) return titled('Stages', `${' '.repeat(INDENT)}none yet`, options.style);
  const columns = stageColumns(run, stats.stage_stats, options.style);
  return titled('Stages', renderTable(columns, stats.stage_stats, { ...options, indent: INDENT }), options.style);
}

function renderFailures(failures: RunFailure[], options: PageOptions): string {
  if (failures.length === 0) return '';
  const table = renderTable(failureColumns(failures, options.style), failures, { ...options, indent: INDENT });
  return titled('What failed', table, options.style);
}

function renderVendors(stats: RunStats, options: PageOptions): string {
  const usage = [...stats.vendor_usage].sort((a, b) => Number(b.cost_usd) - Number(a.cost_usd) || b.calls - a.calls);
  if (usage.length === 0) return '';
  const total = usage.length > 1 ? { total: vendorTotal(usage) } : {};
  const table = renderTable(vendorColumns(usage, options.style), usage, { ...options, indent: INDENT, ...total });
  return titled('Vendors', table, options.style);
}

function renderMetrics({ metrics }: RunMetrics, options: PageOptions): string {
  const rows = Object.entries(metrics).map(([name, value]) => ({ name, value }));
  if (rows.length === 0) return '';
  return titled('Metrics', renderTable(metricColumns, rows, { ...options, indent: INDENT }), options.style);
}

function renderElsewhere({ run, links }: RunPageData, { style }: PageOptions): string {
  const tenant = ` --tenant ${run.tenant_id}`;
  const lines: [string, string][] = [];
  if (links.jaeger !== null) lines.push(['Jaeger', links.jaeger]);
  if (links.langsmith !== null) lines.push(['LangSmith', clean(links.langsmith)]);
  lines.push(['events', `npx runledger export ${run.run_id}${tenant} > run.csv`]);
  const rows = lines.map(([name, text]) => `${' '.repeat(INDENT)}${style.dim(name.padEnd(11))}${text}`);
  return titled('Elsewhere', rows.join('\n'), style);
}

function titled(title: string, body: string, style: Style): string {
  return `${style.bold(title)}\n${body}`;
}
