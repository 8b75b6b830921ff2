/** The first half of the night: which companies to look at, what their sites say, and whom to write to. */

import { currentRun, fallback, logEvent, type Stage, stage } from '../sdk/index.ts';
import { askVendor } from './ask_vendor.ts';
import type { Company } from './companies.ts';
import { errorOf, request, VendorError } from './http.ts';
import { NANO_USD } from './prices.ts';
import { eachItem, type Prospect, type Shift } from './shift.ts';

const SITE_TIMEOUT_MS = 800;
const FEWEST_EMPLOYEES = 20;
/** Above this size a company is worth a look at its LinkedIn page too. */
const LARGE_EMPLOYEES = 300;

export function refreshView(shift: Shift): Promise<void> {
  return stage('mv_refresh', async () => {
    shift.onProgress({ stage: 'mv_refresh', done: 0, total: 0, errors: 0 });
    await askWarehouse(shift, 'refresh');
    shift.tally.unit('mv_refresh', 'good');
  });
}

/** Looks at all candidates in one go: the stage states its units instead of having items. */
export function selectTargets(shift: Shift): Promise<Prospect[]> {
  return stage('select_targets', async (stage) => {
    shift.onProgress({ stage: 'select_targets', done: 0, total: 0, errors: 0 });
    const { candidates } = (await askWarehouse(shift, 'candidates')) as { candidates: Company[] };
    const selected = candidates.filter((company) => company.employees >= FEWEST_EMPLOYEES);
    stage.count({ total: candidates.length, success: candidates.length });
    const units = shift.tally.stage('select_targets');
    units.total = units.success = candidates.length;
    setMetric(shift, 'candidates_considered', candidates.length);
    setMetric(shift, 'candidates_selected', selected.length);
    return selected.map((company) => ({ ...company, about: null, emails: [], verifiedEmails: 0, score: null }));
  });
}

async function askWarehouse(shift: Shift, path: string): Promise<unknown> {
  const { vendorsUrl, account, signal } = shift;
  const response = await request({ url: `${vendorsUrl}/warehouse/${path}`, account, signal, timeoutMs: 15_000 });
  const error = errorOf(response);
  if (error !== null) throw error;
  return response.json;
}

/** Company sites are no vendors: nobody is paid, and what fails is the item. */
export function crawl(shift: Shift, prospects: Prospect[]): Promise<void> {
  return stage('crawl', { unit: 'items' }, (stage) =>
    eachItem(shift, 'crawl', prospects, 20, async (prospect, item) => {
      const { vendorsUrl, account, signal } = shift;
      const url = `${vendorsUrl}/sites/${prospect.domain}`;
      try {
        const page = await request({ url, account, signal, timeoutMs: SITE_TIMEOUT_MS });
        if (page.status === 403) {
          logEvent('robots_denied', { status: 'skip' });
          fallBack(shift, stage);
          item.skip('robots.txt');
          return 'skipped';
        }
        const error = errorOf(page);
        if (error !== null) throw error;
        prospect.about = page.text;
        return 'good';
      } catch (error) {
        if (error instanceof VendorError) fallBack(shift, stage);
        throw error;
      }
    }),
  );
}

/** The search stage will look for what the site did not tell. */
function fallBack(shift: Shift, stage: Stage): void {
  fallback('tavily');
  shift.tally.stage(stage.name).fallbacks++;
  addMetric(shift, 'fallback_attempted', 1);
}

export function searchInstead(shift: Shift, prospects: Prospect[]): Promise<void> {
  const unknown = prospects.filter((prospect) => prospect.about === null);
  return stage('tavily', { unit: 'items' }, () =>
    eachItem(shift, 'tavily', unknown, 16, async (prospect) => {
      const found = (await askVendor(shift, {
        stage: 'tavily',
        vendor: 'tavily',
        operation: 'search',
        path: 'tavily/search',
        body: { query: prospect.domain, max_results: 3 },
        used: (json) => ({ nanoUsd: (json as { usage: { credits: number } }).usage.credits * NANO_USD.tavilyCredit }),
      })) as { results: { content: string }[] };
      prospect.about = found.results.map((result) => result.content).join('\n');
      addMetric(shift, 'fallback_used', 1);
      return 'good';
    }),
  );
}

/** People at the company, and for large ones its LinkedIn page. Without credit the rest of the night goes on without addresses. */
export function findContacts(shift: Shift, prospects: Prospect[]): Promise<void> {
  return stage('lusha', { unit: 'items' }, () =>
    eachItem(shift, 'lusha', prospects, 16, async (prospect, item) => {
      if (prospect.employees >= LARGE_EMPLOYEES) await readLinkedin(shift, prospect);
      if (shift.outOfCredit.has('lusha')) {
        item.skip('no credit left');
        return 'skipped';
      }
      addMetric(shift, 'lookups_attempted', 1);
      const { contact } = (await askVendor(shift, {
        stage: 'lusha',
        vendor: 'lusha',
        operation: 'person',
        path: `lusha/${prospect.domain}`,
        used: (json) => ({ nanoUsd: (json as { creditCharged: boolean }).creditCharged ? NANO_USD.lushaCredit : 0 }),
      })) as { contact: { emailAddresses: { email: string }[] } | null };
      prospect.emails = contact?.emailAddresses.map((address) => address.email) ?? [];
      if (contact !== null) addMetric(shift, 'lookups_succeeded', 1);
      addMetric(shift, 'emails_found', prospect.emails.length);
      return 'good';
    }),
  );
}

/** Nice to have: that it fails is the vendor's error and not the company's. */
async function readLinkedin(shift: Shift, { domain }: Prospect): Promise<void> {
  try {
    await askVendor(shift, {
      stage: 'lusha',
      vendor: 'apify_linkedin',
      path: `apify/${domain}`,
      used: (json) => ({ nanoUsd: (json as unknown[]).length * NANO_USD.apifyCompany }),
    });
  } catch (error) {
    if (!(error instanceof VendorError)) throw error;
  }
}

export function addMetric({ tally }: Shift, name: string, value: number): void {
  currentRun()?.addMetric(name, value);
  tally.addMetric(name, value);
}

export function setMetric({ run, tally }: Shift, name: string, value: number): void {
  run.metric(name, value);
  tally.setMetric(name, value);
}
