/** The demo from begin to end: a ledger, the nights, the show, the proof, and where to look further. */

import { relative } from 'node:path';
import type { CliContext } from '../receiver/cli/command.ts';
import { CliError, EXIT } from '../receiver/cli/exit.ts';
import type { Terminal } from '../receiver/cli/terminal.ts';
import type { Config } from '../receiver/config.ts';
import { tokenPath } from '../receiver/first_tokens.ts';
import { DEMO_TENANTS } from './companies.ts';
import { type Comparison, compareWithLedger } from './compare.ts';
import { type DemoLedger, judgeRules, type LedgerView, openDemoLedger, probeOtlp, readLedger } from './ledger.ts';
import { type Performance, perform } from './perform.ts';
import { createScreen } from './progress.ts';
import { showAlerts, showLedger, showProof } from './show.ts';
import { checkWalls, type WallsCheck } from './walls.ts';

/** What a shell expects of a program that Ctrl-C ended before it was done. */
const INTERRUPTED = 130;

export interface DemoOptions {
  nights: number;
  companies: number;
  /** Leave at the end instead of staying up. */
  exits: boolean;
  json: boolean;
  /** Send there instead, with this token; the ledger there is neither read nor compared. */
  remote: { endpoint: string; token: string } | null;
}

/** @returns the exit code */
export async function runDemo(options: DemoOptions, config: Config, context: CliContext): Promise<number> {
  const stopping = new AbortController();
  const stop = () => stopping.abort(new Error('stopped at the keyboard'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    if (options.remote !== null) return await sendElsewhere(options, options.remote, stopping.signal, context);
    return await showHere(options, config, stopping, context);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

async function showHere(
  options: DemoOptions,
  config: Config,
  stopping: AbortController,
  context: CliContext,
): Promise<number> {
  const { terminal } = context;
  const begunMs = performance.now();
  terminal.progress('starting the ledger');
  const ledger = await openDemoLedger(config, context);
  terminal.endProgress();
  try {
    if (!options.json) sayHello(ledger, options, context);
    const played = await play({ endpoint: ledger.otlpUrl, token: ledger.token }, options, stopping.signal);
    if (stopping.signal.aborted) return INTERRUPTED;
    terminal.progress('deriving percentiles and recounting');
    const view = await readLedger(ledger.databaseUrl, played.runs, config.jaegerUiUrl);
    const comparison = compareWithLedger(played.runs, view.pages);
    const walls = await checkWalls(ledger, played.runs);
    const seconds = (performance.now() - begunMs) / 1000;
    let isRight: boolean;
    if (options.json) {
      const result = summarize(played, comparison, walls, view, seconds);
      terminal.printJson(result);
      isRight = result.equal;
    } else {
      showLedger(view, played, terminal);
      showAlerts(await judgeRules({ ...config, databaseUrl: ledger.databaseUrl }), terminal);
      isRight = showProof(view, comparison, walls, played, terminal);
      sayWhereToLook(ledger, view, seconds, options, config, terminal);
    }
    if (!options.exits && ledger.isOurs) await aborted(stopping.signal);
    return isRight ? EXIT.ok : EXIT.no;
  } finally {
    await ledger.close();
  }
}

/** Sends to a ledger elsewhere, of which nothing but its OTLP port is known. */
async function sendElsewhere(
  options: DemoOptions,
  remote: { endpoint: string; token: string },
  signal: AbortSignal,
  { terminal }: CliContext,
): Promise<number> {
  await checkEndpoint(remote);
  const { runs, sent } = await play(remote, options, signal);
  if (signal.aborted) return INTERRUPTED;
  const keys = runs.map(({ tally }) => ({ tenant_id: tally.tenantId, run_key: tally.runKey, status: tally.outcome }));
  if (options.json) terminal.printJson({ runs: keys, spans: sent });
  else {
    terminal.print(
      `\n${sent.exported} of ${sent.queued} spans acknowledged by ${remote.endpoint}, ${sent.dropped} lost`,
    );
    terminal.print(`The ledger there was not read. Ask it: npx runledger show ${keys.at(-2)?.run_key ?? 'RUN'}`);
  }
  return sent.dropped + sent.pending === 0 ? EXIT.ok : EXIT.no;
}

/** Before minutes of work: whether its spans will be taken at all. */
async function checkEndpoint({ endpoint, token }: { endpoint: string; token: string }): Promise<void> {
  const status = await probeOtlp(endpoint, token);
  if (status === 200) return;
  if (status === null) {
    throw new CliError(
      EXIT.unreachable,
      `Nobody answers at ${endpoint}\nGive the base URL of OTLP over HTTP, such as http://127.0.0.1:4318`,
    );
  }
  const advice =
    status === 401 || status === 403 ? 'Make an ingest token there: runledger token create --kind ingest' : '';
  throw new CliError(
    EXIT.unreachable,
    `${endpoint} refuses spans with this token: it answers ${status}\n${advice}`.trimEnd(),
  );
}

/** JSON has stdout for itself; then progress is for the person at the terminal only. */
async function play(
  target: { endpoint: string; token: string },
  { nights, companies, json }: DemoOptions,
  signal: AbortSignal,
): Promise<Performance> {
  const screen = createScreen(json ? process.stderr : process.stdout);
  try {
    return await perform({ ...target, nights, companies, signal, stage: screen });
  } finally {
    screen.close();
  }
}

function sayHello(ledger: DemoLedger, { nights, companies }: DemoOptions, { terminal, version }: CliContext): void {
  const { style } = terminal;
  const how = ledger.isOurs ? 'started here' : 'which is running already';
  terminal.print(
    `\n${style.bold(`Runledger ${version}`)}  the nightly enrichment of companies, ${describe(nights, companies)}`,
  );
  terminal.print(
    style.dim(`Spans go over OTLP to ${ledger.otlpUrl}, ${how}. The vendors are a small server on this machine.`),
  );
}

function describe(nights: number, companies: number): string {
  return `${DEMO_TENANTS.length} tenants, ${nights} ${nights === 1 ? 'night' : 'nights'}, ${companies} companies each`;
}

function summarize(
  played: Performance,
  comparison: Comparison,
  walls: WallsCheck | null,
  view: LedgerView,
  seconds: number,
) {
  const runs = view.pages.map(({ run }) => ({
    run_id: run.run_id,
    run_key: run.run_key,
    tenant_id: run.tenant_id,
    status: run.status,
    degraded: run.degraded,
    complete: run.complete,
  }));
  const difference = view.audit.difference + view.audit.sealed_difference;
  const lost = played.sent.dropped + played.sent.pending;
  return {
    equal:
      comparison.differences.length + difference + lost + (walls?.wrong.length ?? 0) === 0 &&
      runs.every((run) => run.complete === true),
    values_compared: comparison.values,
    differences: comparison.differences,
    walls,
    audit: { difference, runs_checked: view.audit.runs_checked },
    spans: { sent: played.sent.queued, acknowledged: played.sent.exported, lost },
    seconds: Number(seconds.toFixed(1)),
    runs,
  };
}

function sayWhereToLook(
  ledger: DemoLedger,
  { pages }: LedgerView,
  seconds: number,
  { exits }: DemoOptions,
  config: Config,
  terminal: Terminal,
): void {
  const { style } = terminal;
  const run = (pages.findLast((page) => page.run.status === 'failed') ?? pages.at(-1))?.run;
  const admin =
    config.adminToken === null ? `$(cat ${shorten(tokenPath(config.dataDir, 'admin'))})` : '$RUNLEDGER_ADMIN_TOKEN';
  const folder = shorten(config.dataDir);
  const command =
    config.databaseUrl === null && folder !== '.runledger' ? `npx runledger --data-dir ${folder}` : 'npx runledger';
  const isUp = !(exits && ledger.isOurs);
  const curl = `curl -H "Authorization: Bearer ${admin}" ${ledger.apiUrl}`;
  // The link signs in, so that it is for the person at the terminal and not for a file.
  const dashboard = terminal.isTerminal ? ledger.dashboardLink() : `${ledger.apiUrl}/ui/`;
  const lines: [string, string][] = [
    ...(isUp ? ([['dashboard', dashboard]] satisfies [string, string][]) : []),
    ['one run', `${command} show ${run?.run_key}`],
    ['your own query', `${command} sql "select vendor, sum(cost_usd) from run_vendor_usage group by 1"`],
    ['recount', `${command} audit`],
    ...(isUp
      ? ([
          ['JSON', `${curl}/runs/${run?.run_key}/stats`],
          ['CSV', `${curl}/export/run_events.csv?run_id=${run?.run_id}`],
        ] satisfies [string, string][])
      : []),
  ];
  const shown = lines.map(([name, text]) => `  ${style.dim(name.padEnd(15))}${text}`);
  const where = isUp && ledger.isOurs ? style.dim('  in another terminal, in this folder') : '';
  terminal.print(`\n${style.bold('Look further')}${where}\n${shown.join('\n')}\n`);
  const took = `Done in ${seconds.toFixed(1)} s.`;
  if (isUp && ledger.isOurs)
    terminal.print(`${took} The ledger stays up: OTLP ${ledger.otlpUrl}, API ${ledger.apiUrl}. Ctrl-C ends it.`);
  else
    terminal.print(
      isUp ? took : `${took} The ledger is stopped; its data stays: npx runledger start, or any of the above.`,
    );
}

/** As it is typed from the present folder. */
function shorten(path: string): string {
  const near = relative('.', path);
  return near.startsWith('..') ? path : near;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
