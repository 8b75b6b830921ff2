/** The dashboard as people use it, in a real browser on a real ledger. */

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { item, run, setup, stage } from '../../sdk/index.ts';
import { type DashboardScene, HARBOUR, MERIDIAN, openDashboardScene, signIn } from '../helpers/dashboard_scene.ts';

let scene: DashboardScene;

beforeAll(async () => {
  scene = await openDashboardScene();
}, 120_000);

afterAll(() => scene?.close());

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { name });

test('whoever is not signed in sees no data, a wrong token says why, and a good one leads back to where one wanted to go', async () => {
  const { page, problems, close } = await scene.newPage();
  await page.goto('/ui/alerts');
  await page.getByLabel('Token').fill('rlt_not_a_token_of_this_ledger');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The token is not known, has expired or was revoked').waitFor();
  await page.getByLabel('Token').fill(scene.receiver.ingestToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('This token only sends telemetry').waitFor();
  await page.getByLabel('Token').fill(scene.receiver.adminToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await heading(page, 'Alerts').waitFor();
  expect(new URL(page.url()).pathname).toBe('/ui/alerts');

  const kept = await page.evaluate(() => [
    document.cookie,
    JSON.stringify(localStorage),
    JSON.stringify(sessionStorage),
  ]);
  expect(kept.join(' ')).not.toContain(scene.receiver.adminToken);
  const cookies = await page.context().cookies();
  expect(cookies).toMatchObject([{ httpOnly: true, sameSite: 'Strict', path: '/' }]);
  expect(cookies[0]?.value).not.toContain(scene.receiver.adminToken);

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Token').waitFor();
  // The cookie of before opens nothing any more, even when somebody kept it.
  await page.context().addCookies(cookies);
  expect((await page.request.get('/runs')).status()).toBe(401);
  expect(problems.filter((text) => !/status of 40[13]/.test(text))).toEqual([]);
  await close();
});

test('the link of a message shows its runbook to somebody who is not signed in', async () => {
  const { page, close } = await scene.newPage();
  await page.goto('/runbooks/CR-02');
  await page.getByRole('heading', { name: 'CR-02' }).waitFor();
  await page.getByRole('heading', { name: 'Mitigation' }).waitFor();
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('Token').fill(scene.receiver.adminToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  await page.getByRole('heading', { name: 'Mitigation' }).waitFor();
  expect(new URL(page.url()).pathname).toBe('/ui/runbooks/CR-02');
  await close();
});

test('the link that is printed at the start signs in once and never again', async () => {
  const link = scene.receiver.signInLink() ?? '';
  const first = await scene.newPage();
  await first.page.goto(link);
  await first.page.getByRole('navigation', { name: 'Pages' }).waitFor();
  expect(first.page.url()).not.toContain('code');
  await first.close();
  const second = await scene.newPage();
  await second.page.goto(link);
  await second.page.getByText('This link was used before').waitFor();
  await second.close();
});

test("from the first page it takes three clicks at most to last night's failed run, its cause and the runbook", async () => {
  const { page, problems, close } = await scene.open('/ui/');
  await heading(page, /1 of 2 pipelines failed/).waitFor();
  let clicks = 0;
  const click = async (name: RegExp, within = page.locator('main')) => {
    await within.getByRole('link', { name }).first().click();
    clicks++;
  };
  await click(/failed/, page.getByRole('region', { name: 'Last night' }));
  const why = page.getByRole('region', { name: 'Why' });
  await why.getByText(/Stage score failed/).waitFor();
  await why.getByText('insufficient_quota').waitFor();
  await click(/OA-04/, why);
  await page.getByRole('region', { name: 'Runbook' }).getByRole('heading', { name: /OA-04/ }).waitFor();
  await page.getByRole('heading', { name: 'Numbers', exact: true }).waitFor();
  expect(clicks).toBeLessThanOrEqual(3);
  expect(problems).toEqual([]);
  await close();
});

test('runs are walked and opened by keyboard, filters stand in the address, and back returns to the place', async () => {
  const { page, close } = await scene.open('/ui/');
  const rows = page.locator('table.runs tbody tr');
  await rows.nth(3).waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  await page.keyboard.press('j');
  const key = await page.locator('table.runs tr.at .mono').textContent();
  expect(key).toBe(await rows.nth(1).locator('.mono').textContent());
  await page.keyboard.press('Enter');
  await heading(page, key ?? '').waitFor();
  await page.goBack();
  await page.locator('table.runs tr.at').waitFor();

  await page.getByLabel('Status', { exact: true }).selectOption('failed');
  await expect.poll(() => rows.count()).toBe(1);
  expect(new URL(page.url()).searchParams.get('status')).toBe('failed');
  await page.reload();
  await expect.poll(() => rows.count()).toBe(1);
  await page.keyboard.press('/');
  await page.keyboard.type('no-such-run');
  await heading(page, 'No run fits these filters').waitFor();
  await close();
});

test('ten samples are reviewed by keyboard alone, the last judgement can be undone, and the ledger has them', async () => {
  const { page, problems, close } = await scene.open(`/ui/qa?tenant=${HARBOUR}`);
  const sample = page.locator('.sample-name');
  await sample.waitFor();
  // The first key without a name asks for one, and judges nothing.
  await page.keyboard.press('p');
  await page.getByText('Your name first, please').waitFor();
  await page.keyboard.type('Ada');
  await page.keyboard.press('Enter');
  const seen: (string | null)[] = [];
  for (let at = 0; at < 10; at++) {
    seen.push(await sample.textContent());
    await page.keyboard.press('1');
    await page.keyboard.press('3');
    if (at === 4) {
      await page.keyboard.press('n');
      await page.keyboard.type('p is typed here and passes nothing');
      await page.keyboard.press('Escape');
    }
    await page.keyboard.press(at === 9 ? 'p' : at % 5 === 4 ? 'f' : 'p');
  }
  await page.keyboard.press('u');
  await expect.poll(() => sample.textContent()).toContain('to review');
  await page.keyboard.press('f');
  expect(new Set(seen).size).toBe(10);
  await expect.poll(() => page.locator('.qa-progress').textContent()).toContain('10 of');
  await expect.poll(() => page.locator('.qa-progress').textContent()).toContain('80.0 %');
  await expect
    .poll(() =>
      scene.ledger.query(
        `select result, count(*)::int as samples, count(notes)::int as notes, bool_and((checks->>'domain')::bool) as domain
         from qa_samples where tenant_id = $1 and reviewer = 'Ada' group by result order by result`,
        [HARBOUR],
      ),
    )
    .toEqual([
      { result: 'fail', samples: 2, notes: 1, domain: true },
      { result: 'pass', samples: 8, notes: 0, domain: true },
    ]);
  expect(problems).toEqual([]);
  await close();
});

test('an alert is acknowledged with one key and snoozed with another, and both are on record', async () => {
  const { page, problems, close } = await scene.open('/ui/alerts');
  await page.getByLabel('Your name').fill('Grace');
  await page.getByLabel('Your name').press('Enter');
  const title = await page.locator('.alert-head').textContent();
  await page.keyboard.press('a');
  await page.locator('.alert-facts').getByText('acknowledged').waitFor();
  await page
    .locator('.moments')
    .getByText(/ack by Grace/)
    .waitFor();
  const acked = await scene.ledger.query<{ code: string }>(
    `select code from runledger.alerts where state = 'acked' and acked_by like '%Grace%'`,
  );
  expect(acked).toHaveLength(1);
  expect(title).toContain(acked[0]?.code);

  await page.keyboard.press('j');
  await expect.poll(() => page.locator('.alert-facts').getByText('firing').count()).toBe(1);
  await page.keyboard.press('s');
  await page.locator('.alert-facts').getByText('snoozed').waitFor();
  expect(problems).toEqual([]);
  await close();
});

test('a run is watched live: it appears, its items grow, and it ends, without a hand on the page', async () => {
  const list = await scene.open('/ui/');
  const telemetry = setup({
    endpoint: scene.receiver.urls.otlpHttp,
    token: scene.receiver.ingestToken,
    serviceName: 'live',
    exitHooks: false,
  });
  let goOn: () => void = () => undefined;
  const waits = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const work = run({ tenant: MERIDIAN, pipeline: 'hourly', id: 'live-1' }, () =>
    stage('crawl', async () => {
      for (let company = 1; company <= 5; company++) await item(company, async () => undefined);
      await telemetry.forceFlush();
      await waits;
      for (let company = 6; company <= 12; company++) await item(company, async () => undefined);
    }),
  );
  const row = list.page.locator('table.runs tr', { hasText: 'live-1' });
  await row.getByText('running').waitFor();
  await row.getByRole('link', { name: 'hourly' }).click();
  const done = list.page.locator('table.stages tbody tr', { hasText: 'crawl' });
  await done.getByText('5', { exact: true }).first().waitFor();
  await list.page.evaluate(() => {
    document.body.dataset.seen = 'since the run began';
  });
  goOn();
  await work;
  await telemetry.forceFlush();
  await done.getByText('12', { exact: true }).first().waitFor();
  await list.page.locator('.run-title').getByText('succeeded').waitFor();
  expect(await list.page.evaluate(() => document.body.dataset.seen)).toBe('since the run began');
  await telemetry.shutdown();
  expect(list.problems).toEqual([]);
  await list.close();
});

test('events are read a page at a time, filtered, and open to everything that is known of them', async () => {
  const failed = scene.played.runs.find(({ tally }) => tally.outcome === 'failed');
  const { page, problems, close } = await scene.open(`/ui/runs/${MERIDIAN}/${failed?.tally.runKey}?view=events`);
  const rows = page.locator('.event-table tbody tr');
  await expect.poll(() => rows.count()).toBe(200);
  await page.getByRole('button', { name: 'Next 200' }).click();
  await page
    .getByText(/^Events 201 to /)
    .first()
    .waitFor();
  await page.getByLabel('Stage', { exact: true }).selectOption('score');
  await page.getByLabel('Status', { exact: true }).selectOption('error');
  await expect.poll(() => rows.first().textContent()).toContain('score');
  await rows.first().getByRole('button').click();
  await page.getByText('span_id').waitFor();
  await page.getByRole('link', { name: 'All events' }).click();
  await expect.poll(() => rows.count()).toBe(200);
  expect(problems).toEqual([]);
  await close();
});

test("a tenant's token shows its own runs and no other tenant's, and one that only reads may change nothing", async () => {
  const made = await fetch(`${scene.url}/tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${scene.receiver.adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'tenant', tenant: HARBOUR, scopes: ['read'] }),
  });
  const { token } = (await made.json()) as { token: string };
  const { page, close } = await scene.newPage();
  await signIn(page, token);
  await page.locator('table.runs tbody tr').first().waitFor();
  expect(await page.locator('main').textContent()).not.toContain('meridian');
  await page.goto('/ui/qa');
  await page.getByText('This token reads only').waitFor();
  expect(await page.getByRole('button', { name: /^Pass/ }).isDisabled()).toBe(true);
  const other = scene.played.runs.find(({ tally }) => tally.tenantId === MERIDIAN)?.tally.runKey ?? '';
  await page.goto(`/ui/runs/${MERIDIAN}/${other}`);
  await page.getByText('Cannot show the run.').waitFor();
  await close();
});
