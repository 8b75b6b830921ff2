/**
 * How the pages of the dashboard come up in a real Chromium, as Lighthouse measures it: on this machine as it is, and as a slow phone on a
 * slow network would have it.
 *
 *     npm run bench:pages -- [--rounds 5] [--page trends] [--write]
 *
 * Each load is a new browser context that knows nothing but the session. Median of the rounds.
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { readLedger } from '../demo/ledger.ts';
import { perform } from '../demo/perform.ts';
import { alertsJob } from '../receiver/derive/alerts/job.ts';
import { launchBrowser } from '../test/helpers/browser.ts';
import { createDays } from '../test/helpers/ledger_writer.ts';
import { startTestReceiver, type TestReceiver } from '../test/helpers/receiver.ts';
import { type BenchServer, startBenchServer } from './bench_server.ts';
import { type Figures, loadPage, MODES, type Mode } from './page_load.ts';

const TENANT = 7;
const BIG_RUN = 9100;
const BIG_RUN_EVENTS = 100_000;
const FIRST_PAINT_MS_MAX = 1000;
const PAGE_BYTES_MAX = 100_000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    page: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const say = (line: string) => process.stdout.write(`${line}\n`);
const BIG_RUN_SQL = `
with filled as (
  insert into run_event_logs (run_id, tenant_id, stage, company_id, event, status, duration_ms, trace_id, ts, span_id, seq, kind)
  select $1, $2, 'crawl', n, 'finish', 'ok', n % 9001, repeat('ab', 16), now() - interval '3 hours' + n * interval '1 millisecond',
    lpad(to_hex(n), 16, '0'), 1, 'item'
  from generate_series(1, $3::int) n
  returning ts
)
insert into enrichment_runs (run_id, tenant_id, pipeline, status, started_at, ended_at, first_event_at, last_event_at)
select $1, $2, 'big', 'succeeded', min(ts), max(ts), min(ts), max(ts) from filled`;

interface PageResult {
  page: string;
  figures: Record<Mode, Figures>;
}

const server = await startBenchServer(undefined);
const receiver = await startTestReceiver(server.url);
const browser = await launchBrowser();
try {
  const failedRun = await fill(server, receiver);
  const session = await signedIn(browser, receiver);
  const results: PageResult[] = [];
  for (const [page, path] of pagesOf(failedRun)) {
    if (values.page !== undefined && page !== values.page) continue;
    results.push(await measure(page, path, page === 'sign-in' ? undefined : session));
  }
  const text = report(results);
  say(text);
  if (values.write) writeFileSync(fileURLToPath(new URL('results/pages.md', import.meta.url)), text);
} finally {
  await browser.close();
  await receiver.close();
  await server.remove();
}

function pagesOf(failedRun: string): [string, string][] {
  const run = `/ui/runs/${TENANT}/${failedRun}`;
  return [
    ['sign-in', '/ui/sign-in'],
    ['runs', '/ui/'],
    ['run', run],
    ['stage of a run', `${run}?stage=score`],
    ['events', `${run}?view=events`],
    ['events of 100,000', `/ui/runs/${TENANT}/${BIG_RUN}?view=events`],
    ['compare', `${run}?view=compare`],
    ['alerts', '/ui/alerts'],
    ['qa', '/ui/qa'],
    ['trends', '/ui/trends'],
    ['ingest', '/ui/ingest'],
    ['runbook', '/ui/runbooks/CR-02'],
  ];
}

/** @returns the key of a run that failed */
async function fill({ url, owner }: BenchServer, { urls, ingestToken }: TestReceiver): Promise<string> {
  const played = await perform({
    endpoint: urls.otlpHttp,
    token: ingestToken,
    nights: 3,
    companies: 60,
    signal: new AbortController().signal,
    stage: { nightBegins: () => undefined, runBegins: () => ({ progress: () => undefined, ended: () => undefined }) },
  });
  await readLedger(url, played.runs);
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  await createDays(owner, day(-2), day(1));
  await owner.query(BIG_RUN_SQL, [BIG_RUN, TENANT, BIG_RUN_EVENTS]);
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  await alertsJob({ pool: owner, log, links: { publicUrl: urls.api, jaegerUiUrl: null } });
  const failed = played.runs.find(({ tally }) => tally.outcome === 'failed' && tally.tenantId === TENANT);
  if (failed === undefined) throw new Error('no run of the demo failed');
  return failed.tally.runKey;
}

async function signedIn(browser: Browser, { urls, adminToken }: TestReceiver): Promise<BrowserContextOptions> {
  const context = await browser.newContext({ baseURL: urls.api });
  const page = await context.newPage();
  await page.goto('/ui/sign-in');
  await page.getByLabel('Token').fill(adminToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  const storageState = await context.storageState();
  await context.close();
  return { storageState };
}

async function measure(page: string, path: string, session: BrowserContextOptions | undefined): Promise<PageResult> {
  const figures: Partial<Record<Mode, Figures>> = {};
  for (const mode of MODES) {
    const loads: Figures[] = [];
    for (let round = 0; round < rounds; round++) {
      loads.push(await loadPage(browser, { url: receiver.urls.api + path, mode, context: session ?? {} }));
    }
    figures[mode] = medians(loads);
    say(`${page}, ${mode}: ${JSON.stringify(figures[mode])}`);
  }
  return { page, figures: figures as Record<Mode, Figures> };
}

function medians(loads: readonly Figures[]): Figures {
  const names = Object.keys(loads[0] ?? {}) as (keyof Figures)[];
  return Object.fromEntries(
    names.map((name) => {
      const sorted = loads.map((load) => load[name]).sort((a, b) => a - b);
      return [name, sorted[Math.floor(sorted.length / 2)] ?? 0];
    }),
  ) as unknown as Figures;
}

function report(results: readonly PageResult[]): string {
  const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
  const ms = (number: number) => Math.round(number).toLocaleString('en');
  const table = (mode: Mode) => [
    '| page | files | data | requests | first paint | largest paint | interactive | blocked | layout shift |',
    '|---|---|---|---|---|---|---|---|---|',
    ...results.map(({ page, figures }) => {
      const f = figures[mode];
      const times = [f.firstPaintMs, f.largestPaintMs, f.interactiveMs, f.blockedMs].map(ms);
      const cells = [
        page,
        kilobytes(f.fileBytes),
        kilobytes(f.dataBytes),
        f.requests,
        ...times,
        f.layoutShift.toFixed(3),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
    '',
  ];
  const plain = results.map(({ figures }) => figures.plain);
  const slowest = Math.max(...plain.map(({ firstPaintMs }) => firstPaintMs));
  const heaviest = Math.max(...plain.map(({ fileBytes }) => fileBytes));
  return [
    '# Pages of the dashboard',
    '',
    `Made by \`npm run bench:pages\` on ${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores, ${(loadavg()[2] ?? 0).toFixed(1)} processes at work over the last quarter of an hour (1 would be this bench alone), Chromium ${browser.version()}, Node ${process.versions.node}; ${rounds === 1 ? 'one load each' : `median of ${rounds} loads`}.`,
    '',
    'Three nights of the demo and a run of 100,000 events. Each load begins with an empty cache, signed in. Files are the page, its scripts and styles as they are sent',
    '(compressed, with headers), data is what the page asks the API for until it is quiet. Times are milliseconds since the load began. Interactive: the end of the last task longer than 50 ms before',
    'five seconds without one, not before the first paint. Blocked: what such tasks took beyond 50 ms each until then. Requests and data count those that a live page repeats, too.',
    '',
    '## As it is',
    '',
    `Bars: first paint under ${ms(FIRST_PAINT_MS_MAX)} ms (slowest here ${ms(slowest)}), files under ${kilobytes(PAGE_BYTES_MAX)} (heaviest here ${kilobytes(heaviest)}).`,
    '',
    ...table('plain'),
    '## A slow phone on a slow network',
    '',
    'Processor four times slower, 1.6 Mbit/s, 150 ms for each request.',
    '',
    ...table('throttled'),
  ].join('\n');
}
