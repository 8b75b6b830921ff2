/**
 * The nightly enrichment of companies, for two tenants at once, written with the helpers: mv_refresh, select_targets, crawl, score,
 * export_odoo. The vendors are a small server in this file, so that it runs anywhere:
 *
 *   OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer <token>" npx tsx examples/nightly.ts
 *
 * In a project of your own the import is 'runledger/sdk'.
 */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  bumpVendor,
  currentRun,
  fallback,
  item,
  logEvent,
  type Run,
  retry,
  run,
  setup,
  stage,
  type VendorCall,
  vendorCall,
} from '../sdk/index.ts';

interface Company {
  id: number;
  domain: string;
  about?: string;
  bucket?: 'High' | 'Medium' | 'Low';
}

const telemetry = setup({ serviceName: 'nightly-enrichment', logs: process.argv.includes('--logs') });
const vendors = await startVendors();
const vendorsUrl = `http://127.0.0.1:${(vendors.address() as AddressInfo).port}`;
try {
  // Two tenants in one process: each run carries its own context, so nothing of one reaches the other.
  const results = await Promise.allSettled([7, 8].map((tenant) => run({ tenant, pipeline: 'nightly' }, nightly)));
  for (const result of results)
    process.stdout.write(`${result.status === 'fulfilled' ? result.value : result.reason}\n`);
} finally {
  vendors.close();
  await telemetry.shutdown();
  const { exported, dropped } = telemetry.stats();
  process.stdout.write(`spans sent: ${exported}, lost: ${dropped}\n`);
}

/** One night of one tenant. */
async function nightly(run: Run): Promise<string> {
  const candidates = await stage('mv_refresh', refreshCandidates);
  const targets = await stage('select_targets', (stage) => {
    const selected = candidates.filter((company) => company.id % 3 !== 0);
    // This stage looks at all candidates in one go: it states its units instead of having items.
    stage.count({ total: candidates.length, success: candidates.length });
    return selected;
  });
  run.metric('candidates_considered', candidates.length);
  run.metric('candidates_selected', targets.length);
  await stage('crawl', () => Promise.all(targets.map(crawl)));
  await stage('score', () => Promise.all(targets.map(score)));
  const delivered = await stage('export_odoo', () => exportToOdoo(targets));
  run.metric('items_delivered', delivered);
  return `tenant ${run.tenant}: run ${run.id} delivered ${delivered} of ${targets.length}`;
}

async function refreshCandidates(): Promise<Company[]> {
  await fetch(`${vendorsUrl}/refresh`);
  return Array.from({ length: 60 }, (_, index) => ({ id: 1_000 + index, domain: `company-${index}.example` }));
}

/** One company. What fails here fails this item; the stage goes on. */
async function crawl(company: Company): Promise<void> {
  await item(company.id, async (item) => {
    if (company.id % 10 === 1) {
      item.skip('robots.txt');
      return;
    }
    const page = await fetch(`${vendorsUrl}/site/${company.id}`);
    if (page.ok) {
      company.about = await page.text();
      return;
    }
    // The site did not answer: look the company up elsewhere.
    fallback('tavily');
    currentRun()?.addMetric('fallback_attempted', 1);
    try {
      company.about = await vendorCall('tavily', { operation: 'search' }, (call) => ask(call, `/tavily/${company.id}`));
      currentRun()?.addMetric('fallback_used', 1);
    } catch (error) {
      item.fail(error);
    }
  });
}

async function score(company: Company): Promise<void> {
  await item(company.id, async (item) => {
    const text = company.about;
    if (text === undefined) {
      item.skip('nothing to score');
      return;
    }
    try {
      await vendorCall('openai', { model: 'gpt-4o-mini', operation: 'chat' }, async (call) => {
        await ask(call, `/openai/${company.id}`);
        call.usage({ tokensInput: 400 + text.length, tokensOutput: 60 });
      });
    } catch (error) {
      item.fail(error);
      return;
    }
    company.bucket = company.id % 4 === 0 ? 'High' : company.id % 4 === 1 ? 'Medium' : 'Low';
    item.bucket(company.bucket);
  });
}

/** Addresses are verified in one batch: one call of the SDK stands for many of the vendor. */
async function exportToOdoo(companies: Company[]): Promise<number> {
  const ready = companies.filter((company) => company.bucket !== undefined);
  await fetch(`${vendorsUrl}/zerobounce`, { method: 'POST' });
  bumpVendor('zerobounce', { calls: ready.length, errors: 1, units: ready.length, costUsd: 0.008 * ready.length });
  logEvent('batch_verified', { attributes: { addresses: ready.length } });
  for (const company of ready)
    await item(company.id, () => fetch(`${vendorsUrl}/odoo/${company.id}`, { method: 'PUT' }));
  return ready.length;
}

/** Asks a vendor, again after "too many requests". The call stays one call; its tries become rate limit hits. */
async function ask(call: VendorCall, path: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(`${vendorsUrl}${path}`);
    if (response.ok) return response.text();
    if (response.status === 429) call.rateLimited();
    if (response.status !== 429 || attempt === 3) {
      throw Object.assign(new Error(`${path} answered ${response.status}`), { status: response.status });
    }
    retry('HTTP_429');
    await new Promise((resolve) => setTimeout(resolve, 20 * attempt));
  }
}

/** Plays the companies' sites and the vendors: some sites are down, the model is busy at times, one search has no credit left. */
async function startVendors(): Promise<Server> {
  let asked = 0;
  const server = createServer((request, response) => {
    const [, who, id] = (request.url ?? '').split('/');
    asked++;
    let status = 200;
    if (who === 'site' && Number(id) % 5 === 0) status = 500;
    if (who === 'openai' && asked % 6 === 0) status = 429;
    if (who === 'tavily' && Number(id) % 25 === 0) status = 402;
    setTimeout(() => response.writeHead(status).end(`text about ${id}`), 5 + (asked % 20));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
