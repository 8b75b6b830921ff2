/** Sign-in at an identity provider in a real browser: there, back, and to the page that was asked for. */

import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { violationsOf } from '../helpers/axe.ts';
import { launchBrowser } from '../helpers/browser.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type IdentityProvider,
  startIdentityProvider,
} from '../helpers/identity_provider.ts';
import { openLedger } from '../helpers/ledger.ts';
import { freePorts } from '../helpers/ports.ts';
import { postTraces, runSpanJson, startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';

let browser: Browser;
let database: TestDatabase;
let provider: IdentityProvider;
let receiver: TestReceiver;
const contexts: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  browser = await launchBrowser();
  database = await createTestDatabase();
  provider = await startIdentityProvider();
  const [port = 0] = await freePorts(1);
  receiver = await startTestReceiver(database.databaseUrl, {
    RUNLEDGER_HTTP_PORT: String(port),
    RUNLEDGER_OIDC_ISSUER: provider.issuer,
    RUNLEDGER_OIDC_CLIENT_ID: CLIENT_ID,
    RUNLEDGER_OIDC_CLIENT_SECRET: CLIENT_SECRET,
    RUNLEDGER_OIDC_NAME: 'Keysmith',
    RUNLEDGER_OIDC_TENANTS: 'reviewers=7:review,harbour-readers=8',
  });
  for (const [tenant, span] of [
    [7, 1],
    [8, 2],
  ] as const) {
    expect((await postTraces(receiver, runSpanJson(tenant, `night-of-${tenant}`, span))).status).toBe(200);
  }
}, 120_000);

beforeEach(() => {
  provider.person = { name: 'Ada Lovelace', groups: ['reviewers'] };
  provider.malice = {};
});

afterAll(async () => {
  await Promise.all(contexts.map((context) => context.close()));
  await browser?.close();
  await receiver?.close();
  await provider?.close();
  await database?.drop();
});

async function newPage(options: BrowserContextOptions = {}): Promise<{ page: Page; problems: string[] }> {
  const context = await browser.newContext({ baseURL: receiver.urls.api, ...options });
  contexts.push(context);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  return { page, problems };
}

const button = (page: Page) => page.getByRole('link', { name: 'Sign in with Keysmith' });

test('whoever asks for a run and signs in lands on that run, and is called by name', async () => {
  const { page, problems } = await newPage();
  await page.goto('/ui/runs/7/night-of-7?view=events');
  await button(page).click();
  await page.getByText('Ada Lovelace, tenant 7').waitFor();
  const { pathname, search } = new URL(page.url());
  expect(pathname + search).toBe('/ui/runs/7/night-of-7?view=events');
  await page
    .getByRole('heading', { name: /night-of-7/ })
    .first()
    .waitFor();
  const cookies = await page.context().cookies(receiver.urls.api);
  expect(cookies).toMatchObject([{ httpOnly: true, sameSite: 'Strict', path: '/' }]);
  // The session survives what a browser does all day.
  await page.reload();
  await page.getByText('Ada Lovelace, tenant 7').waitFor();
  expect(problems).toEqual([]);
  await page.goto('/ui/runs/8/night-of-8');
  await page.locator('.note').first().waitFor();
  expect(await page.locator('main').textContent()).toContain('There is no tenant 8');
});

test('signing out ends it here, goes by the provider, and comes back to the page where one signs in', async () => {
  const { page } = await newPage();
  await page.goto('/ui/');
  await button(page).click();
  await page.getByText('Ada Lovelace, tenant 7').waitFor();
  const cookies = await page.context().cookies(receiver.urls.api);
  const before = provider.asked.length;
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect.poll(() => provider.asked.slice(before), { timeout: 30_000 }).toContain('/logout');
  await button(page).waitFor();
  expect(new URL(page.url()).pathname).toBe('/ui/sign-in');
  await page.context().addCookies(cookies);
  await expect.poll(async () => (await page.request.get('/runs')).status(), { timeout: 30_000 }).toBe(401);
});

test('a person reviews under the name that the provider gave, and is asked for no other', async () => {
  const ledger = await openLedger(database.databaseUrl, ['7']);
  await ledger.ownerPool.query(`
    insert into qa_samples (run_id, tenant_id, company_id, bucket)
    select run_id, tenant_id, 500, 'High' from enrichment_runs where run_key = 'night-of-7'`);
  const { page, problems } = await newPage();
  await page.goto('/ui/qa');
  await button(page).click();
  await page.getByText('As Ada Lovelace').waitFor();
  expect(await page.getByLabel('Your name').count()).toBe(0);
  await page.keyboard.press('p');
  const reviewed = async () => (await ledger.ownerPool.query('select result, reviewer from qa_samples')).rows;
  await expect.poll(reviewed, { timeout: 30_000 }).toEqual([{ result: 'pass', reviewer: 'Ada Lovelace' }]);
  expect(problems).toEqual([]);
  await ledger.close();
});

test('whoever has no access, or several tenants, reads what to do next', async () => {
  const { page, problems } = await newPage();
  provider.person = { name: 'Mo', groups: ['elsewhere'] };
  await page.goto('/ui/qa');
  await button(page).click();
  await page.getByText('Keysmith knows you, but nobody has given you access to this ledger').waitFor();
  provider.person = { name: 'Lin', groups: ['reviewers', 'harbour-readers'] };
  await button(page).click();
  await page.getByText('You may see several tenants').waitFor();
  await page.getByRole('link', { name: 'Tenant 8' }).click();
  await page.getByText('Lin, tenant 8, reads only').waitFor();
  expect(new URL(page.url()).pathname).toBe('/ui/qa');
  expect(problems).toEqual([]);
});

test('an address with words of somebody else shows none of them', async () => {
  const { page, problems } = await newPage();
  const words = encodeURIComponent('<img src=x onerror=alert(1)> call 555-0100');
  await page.goto(`/ui/sign-in?trouble=${words}&tenants=${words}&to=${encodeURIComponent('//evil.example/')}`);
  await button(page).waitFor();
  expect(await page.locator('body').textContent()).not.toContain('555');
  expect(await button(page).getAttribute('href')).toBe(`${receiver.urls.api}/oidc/start?return_to=%2Fui%2F`);
  await page.goto('/ui/sign-in?trouble=__proto__');
  await button(page).waitFor();
  expect(problems).toEqual([]);
});

test.each(['light', 'dark'] as const)('axe finds nothing on the ways to sign in, %s', async (colorScheme) => {
  const { page } = await newPage({ colorScheme, reducedMotion: 'reduce', bypassCSP: true });
  for (const address of [
    '/ui/sign-in',
    '/ui/sign-in?trouble=no_access',
    '/ui/sign-in?trouble=choose&tenants=7+harbour',
  ]) {
    await page.goto(address);
    await page.getByRole('region', { name: 'Sign in with Keysmith' }).waitFor();
    expect([address, await violationsOf(page)]).toEqual([address, []]);
  }
});

test('the page says when the provider is away, and a token signs in meanwhile', async () => {
  await provider.close();
  const { page } = await newPage();
  await page.goto('/ui/alerts');
  await page.getByLabel('Token').fill(receiver.adminToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Alerts' }).waitFor();
});
