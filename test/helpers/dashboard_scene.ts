/** What tests of the dashboard look at: a receiver with the last nights of the demo in it, judged by the alert rules, and a browser. */

import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { readLedger } from '../../demo/ledger.ts';
import { type Performance, perform, type StageManager } from '../../demo/perform.ts';
import { alertsJob } from '../../receiver/derive/alerts/job.ts';
import { launchBrowser } from './browser.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { startTestReceiver, type TestReceiver } from './receiver.ts';

export const MERIDIAN = 7;
export const HARBOUR = 12;

export interface DashboardScene {
  url: string;
  receiver: TestReceiver;
  database: TestDatabase;
  ledger: Ledger;
  /** The demo's runs, the last night's last. */
  played: Performance;
  /** Has the rules look at everything now instead of in five minutes. */
  sweepAlerts(): Promise<void>;
  /** A page of a browser that knows nothing yet; problems of scripts fail the test through `assertQuiet`. */
  newPage(options?: BrowserContextOptions): Promise<ScenePage>;
  /** The same, signed in as admin, at the address. */
  open(path: string, options?: BrowserContextOptions): Promise<ScenePage>;
  close(): Promise<void>;
}

export interface ScenePage {
  page: Page;
  /** Every address that was asked for. */
  requested: string[];
  /** Errors of scripts and of the page's policy. */
  problems: string[];
  close(): Promise<void>;
}

const silent: StageManager = {
  nightBegins: () => undefined,
  runBegins: () => ({ progress: () => undefined, ended: () => undefined }),
};

export async function openDashboardScene(nights = 2): Promise<DashboardScene> {
  const browser = await launchBrowser();
  const database = await createTestDatabase();
  const ledger = await openLedger(database.databaseUrl, [String(MERIDIAN), String(HARBOUR)]);
  const receiver = await startTestReceiver(database.databaseUrl);
  const url = receiver.urls.api;
  const played = await perform({
    endpoint: receiver.urls.otlpHttp,
    token: receiver.ingestToken,
    nights,
    companies: 60,
    signal: new AbortController().signal,
    stage: silent,
  });
  await readLedger(database.databaseUrl, played.runs);
  const sweepAlerts = async () => {
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    await alertsJob({ pool: ledger.ownerPool, log, links: { publicUrl: url, jaegerUiUrl: null } });
  };
  await sweepAlerts();
  const newPage = (options: BrowserContextOptions = {}) => openPage(browser, url, options);
  return {
    url,
    receiver,
    database,
    ledger,
    played,
    sweepAlerts,
    newPage,
    async open(path, options) {
      const opened = await newPage(options);
      await signIn(opened.page, receiver.adminToken);
      await opened.page.goto(path);
      return opened;
    },
    async close() {
      await browser.close();
      await ledger.close();
      await receiver.close();
      await database.drop();
    },
  };
}

async function openPage(browser: Browser, url: string, options: BrowserContextOptions): Promise<ScenePage> {
  const context = await browser.newContext({ baseURL: url, viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const requested: string[] = [];
  const problems: string[] = [];
  page.on('request', (request) => requested.push(request.url()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  return { page, requested, problems, close: () => context.close() };
}

export async function signIn(page: Page, token: string): Promise<void> {
  await page.goto('/ui/sign-in');
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
}
