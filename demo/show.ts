/** The show at the end: what the ledger knows about the nights that were just played, and whether it is right. */

import { alertColumns } from '../receiver/cli/alerts.ts';
import { formatCount, formatDuration, formatUsd } from '../receiver/cli/format.ts';
import { renderRunPage } from '../receiver/cli/page.ts';
import { type VendorLine, vendorTotal } from '../receiver/cli/page_tables.ts';
import type { RunPageData } from '../receiver/cli/run_data.ts';
import { runColumns } from '../receiver/cli/runs.ts';
import type { Style } from '../receiver/cli/style.ts';
import { type Column, renderTable } from '../receiver/cli/table.ts';
import type { Terminal } from '../receiver/cli/terminal.ts';
import type { ListedAlert } from '../receiver/derive/alerts/acts.ts';
import type { VendorUsage } from '../receiver/serve/shape.ts';
import type { Comparison, Difference } from './compare.ts';
import type { LedgerView } from './ledger.ts';
import type { Performance } from './perform.ts';
import { STAGES } from './pipeline.ts';
import type { WallsCheck } from './walls.ts';

const INDENT = 2;

export function showLedger(view: LedgerView, played: Performance, terminal: Terminal): void {
  const { style } = terminal;
  const nowMs = Date.now();
  // All of them are of one pipeline, and the room is better used.
  const runs = runColumns(style, nowMs).filter(({ title }) => title !== 'pipeline');
  section(terminal, 'The runs', 'npx runledger runs', renderTable(runs, view.listed, { ...terminal, indent: INDENT }));
  const bad = view.pages.findLast(({ run }) => run.status === 'failed') ?? view.pages.at(-1);
  if (bad !== undefined) {
    const title = bad.run.status === 'failed' ? 'The run that failed' : 'The last run';
    const page = renderRunPage(bad, { style, width: terminal.width - INDENT, nowMs });
    section(terminal, title, `npx runledger show ${bad.run.run_key}`, indent(`${tellStory(bad, style)}${page}`));
  }
  section(terminal, 'Vendors, all nights', 'run_vendor_usage', renderVendors(view, terminal));
  section(
    terminal,
    'How long an item or call takes, p50 / p95',
    'run_stage_stats',
    renderLatency(view, played, terminal),
  );
}

/** What the rules say of the played nights; a table of `runledger alerts list` without what is the same in all its lines. */
export function showAlerts(alerts: ListedAlert[], terminal: Terminal): void {
  const told = new Set(['severity', 'code', 'what', 'tenant', 'run']);
  const pages = alerts.filter(({ severity }) => severity === 'page');
  const rows = [...pages, ...alerts.filter((alert) => !pages.includes(alert))];
  const columns = alertColumns(terminal.style, Date.now()).filter(({ title }) => told.has(title));
  const body =
    alerts.length === 0 ? `${' '.repeat(INDENT)}none` : renderTable(columns, rows, { ...terminal, indent: INDENT });
  section(terminal, 'What alerts', 'npx runledger alerts list', body);
}

function section(terminal: Terminal, title: string, source: string, body: string): void {
  const { style } = terminal;
  terminal.print(`\n${style.bold(title)}  ${style.dim(source)}\n${body}`);
}

/** In words what the numbers below show, as far as they show it. */
function tellStory({ stats }: RunPageData, style: Style): string {
  const openai = stats.vendor_usage.find((usage) => usage.vendor === 'openai');
  const score = stats.stage_stats.find((stage) => stage.stage === 'score');
  const odoo = stats.stage_stats.find((stage) => stage.stage === 'export_odoo');
  if (openai?.quota_exhausted !== true || score === undefined || odoo === undefined) return '';
  const lines = [
    `OpenAI's quota ran out after ${score.count_success} companies, and the pipeline stopped asking.`,
    `The others have no score, which Odoo insists on: ${odoo.count_success} of ${odoo.count_total} were delivered.`,
  ];
  return `${lines.map((line) => style.dim(line)).join('\n')}\n\n`;
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : ' '.repeat(INDENT) + line))
    .join('\n');
}

function renderVendors({ pages }: LedgerView, terminal: Terminal): string {
  const { style } = terminal;
  const byVendor = new Map<string, VendorUsage[]>();
  for (const usage of pages.flatMap((page) => page.stats.vendor_usage)) {
    byVendor.set(usage.vendor, [...(byVendor.get(usage.vendor) ?? []), usage]);
  }
  const rows = [...byVendor].map(([vendor, usage]) => ({ ...vendorTotal(usage), vendor }));
  rows.sort((a, b) => Number(b.cost_usd) - Number(a.cost_usd) || b.calls - a.calls);
  const total = vendorTotal([...byVendor.values()].flat());
  return renderTable(vendorColumns(style), rows, { ...terminal, indent: INDENT, total });
}

function vendorColumns(style: Style): Column<VendorLine>[] {
  const right = 'right' as const;
  return [
    { title: 'vendor', value: (v) => v.vendor, shrinksTo: 10 },
    { title: 'calls', value: (v) => formatCount(v.calls), align: right },
    {
      title: 'errors',
      value: (v) => formatCount(v.errors),
      align: right,
      paint: (text, v) => (v.errors > 0 ? style.bad(text) : style.dim(text)),
    },
    {
      title: '429s',
      value: (v) => formatCount(v.rate_limit_hits),
      align: right,
      paint: (text, v) => (v.rate_limit_hits > 0 ? style.warn(text) : style.dim(text)),
    },
    {
      title: 'quota',
      value: (v) => (v.quota_exhausted ? 'used up' : '–'),
      paint: (text, v) => (v.quota_exhausted ? style.bad(text) : style.dim(text)),
    },
    {
      title: 'tokens',
      value: (v) => (v.tokens_input + v.tokens_output > 0 ? formatCount(v.tokens_input + v.tokens_output) : '–'),
      align: right,
      leaves: 3,
    },
    { title: 'cost', value: (v) => formatUsd(v.cost_usd, v.cost_complete), align: right },
  ];
}

/** A line per stage, a column per run: the eye finds the night that was slower. */
function renderLatency({ pages }: LedgerView, { runs }: Performance, terminal: Terminal): string {
  const columns: Column<string>[] = [{ title: 'stage', value: (stage) => stage }];
  for (const [index, page] of pages.entries()) {
    const { tenant, night } = runs[index] ?? {};
    const stats = new Map(page.stats.stage_stats.map((stage) => [stage.stage, stage]));
    columns.push({
      title: `${tenant?.name} ${night?.startedAt.toLocaleDateString('en-GB', { weekday: 'short' })}`,
      align: 'right',
      value: (name) => {
        const stage = stats.get(name);
        if (stage === undefined || stage.duration_samples === 0) return '–';
        return `${milliseconds(stage.p50_ms)} / ${milliseconds(stage.p95_ms)}`;
      },
      // Where the terminal is narrow the oldest nights leave first.
      leaves: 20 - index,
    });
  }
  return renderTable(columns, [...STAGES], { ...terminal, indent: INDENT });
}

function milliseconds(ms: number | null): string {
  return ms === null ? '–' : ms < 1000 ? String(Math.round(ms)) : formatDuration(ms);
}

/** @returns whether everything is as it should be */
export function showProof(
  view: LedgerView,
  comparison: Comparison,
  walls: WallsCheck | null,
  played: Performance,
  terminal: Terminal,
): boolean {
  const { style } = terminal;
  const complete = view.pages.filter(({ run }) => run.complete === true).length;
  const { sent } = played;
  const lines: [boolean, string][] = [
    [
      comparison.differences.length === 0,
      `the demo's own count, the vendors' books and the ledger: ${formatCount(comparison.differences.length)} differences in ${formatCount(comparison.values)} values`,
    ],
    [
      view.audit.difference + view.audit.sealed_difference === 0,
      `audit: difference ${view.audit.difference}, every counter is the sum of its events (${formatCount(view.audit.runs_checked)} runs)`,
    ],
    [complete === view.pages.length, `complete: ${complete} of ${view.pages.length} runs, what was sent is stored`],
    [
      sent.dropped + sent.pending + sent.internalErrors === 0,
      `spans: ${formatCount(sent.queued)} sent, ${formatCount(sent.exported)} acknowledged after commit, ${formatCount(sent.dropped)} lost`,
    ],
  ];
  if (walls !== null) lines.push([walls.wrong.length === 0, describeWalls(walls)]);
  const shown = lines.map(([good, text]) => `  ${good ? style.good('✓') : style.bad('✗')} ${text}`);
  terminal.print(`\n${style.bold('Is it right?')}\n${shown.join('\n')}`);
  if (comparison.differences.length > 0) terminal.print(renderDifferences(comparison.differences, terminal));
  return lines.every(([good]) => good);
}

function describeWalls({ own, foreign, wrong }: WallsCheck): string {
  if (wrong.length > 0) return `walls: ${wrong.join('; ')}`;
  return `walls: over the API each tenant's token finds its own runs (${own} found), and none of the other's (${foreign} refused)`;
}

const DIFFERENCES_SHOWN = 30;

function renderDifferences(differences: Difference[], terminal: Terminal): string {
  const columns: Column<Difference>[] = [
    { title: 'run', value: (d) => d.run, shrinksTo: 12 },
    { title: 'of', value: (d) => d.of },
    { title: 'value', value: (d) => d.value },
    { title: 'demo', value: (d) => d.demo, align: 'right' },
    { title: 'ledger', value: (d) => d.ledger, align: 'right' },
  ];
  return renderTable(columns, differences.slice(0, DIFFERENCES_SHOWN), { ...terminal, indent: INDENT });
}
