/** A run of 100,000 events in the explorer: the page holds no more of them the further one goes, and the address says where one is. */

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DashboardScene, MERIDIAN, openDashboardScene } from '../helpers/dashboard_scene.ts';
import { createDays } from '../helpers/ledger_writer.ts';

const RUN = 9100;
const EVENTS = 100_000;
const PAGE_EVENTS = 200;
const ADDRESS = `/ui/runs/${MERIDIAN}/${RUN}?view=events`;

let scene: DashboardScene;

beforeAll(async () => {
  scene = await openDashboardScene(1);
  await createDays(scene.ledger.ownerPool, '2026-11-21', '2026-11-24');
  await scene.ledger.ownerPool.query(FILL, [RUN, MERIDIAN, EVENTS]);
}, 180_000);

afterAll(() => scene?.close());

const rowsOf = (page: Page) => page.locator('.event-table tbody tr');
/** The items of the rows that are shown; the seed numbers them from 1 in the order of time. */
const itemsOf = (page: Page) =>
  rowsOf(page).evaluateAll((rows) => rows.map((row) => Number(row.querySelectorAll('td')[5]?.textContent)));
const shows = (page: Page, from: number, to: number) =>
  page
    .getByText(`Events ${from.toLocaleString('en')} to ${to.toLocaleString('en')}`)
    .first()
    .waitFor();
const elementsOf = (page: Page) => page.evaluate(() => document.querySelectorAll('*').length);

test('pages are turned by click and by key, each with its own rows, and the page does not grow', async () => {
  const { page, problems, requested, close } = await scene.open(ADDRESS);
  await shows(page, 1, 200);
  expect(await itemsOf(page)).toEqual(Array.from({ length: PAGE_EVENTS }, (_, at) => at + 1));
  await page.getByRole('button', { name: 'Next 200' }).first().click();
  await shows(page, 201, 400);
  const elements = await elementsOf(page);
  const seen = new Set(await itemsOf(page));
  for (let at = 3; at <= 22; at++) {
    if (at % 2 === 0) await page.getByRole('button', { name: 'Next 200' }).last().click();
    else await page.keyboard.press('n');
    await shows(page, (at - 1) * PAGE_EVENTS + 1, at * PAGE_EVENTS);
    for (const item of await itemsOf(page)) seen.add(item);
  }
  expect(seen.size).toBe(21 * PAGE_EVENTS);
  expect(await rowsOf(page).count()).toBe(PAGE_EVENTS);
  expect(await elementsOf(page)).toBeLessThan(elements + 50);
  await page.keyboard.press('p');
  await shows(page, 4001, 4200);
  expect(new Set((await itemsOf(page)).map((item) => item > 4000 && item <= 4200))).toEqual(new Set([true]));
  expect(requested.filter((url) => url.includes('/events?')).every((url) => url.includes(`limit=${PAGE_EVENTS}`))).toBe(
    true,
  );
  expect(problems).toEqual([]);
  await close();
});

test('the address holds the place: after a reload, by back and forward, and for whoever it is sent to', async () => {
  const { page, close } = await scene.open(ADDRESS);
  await shows(page, 1, 200);
  for (const to of [400, 600]) {
    await page.keyboard.press('n');
    await shows(page, to - 199, to);
  }
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  const marked = () => page.locator('.event-table tr.at td').nth(5).textContent();
  await expect.poll(marked).toBe('402');
  await page.reload();
  await shows(page, 401, 600);
  await expect.poll(marked).toBe('402');
  expect((await itemsOf(page))[0]).toBe(401);
  await page.keyboard.press('Enter');
  await page.getByText('span_id').waitFor();

  await page.goBack();
  await shows(page, 201, 400);
  expect((await itemsOf(page))[0]).toBe(201);
  await page.goForward();
  await shows(page, 401, 600);
  const { page: other, close: closeOther } = await scene.open(page.url());
  await shows(other, 401, 600);
  expect((await itemsOf(other))[0]).toBe(401);
  await other.getByRole('button', { name: 'To the first' }).first().click();
  await shows(other, 1, 200);
  await closeOther();
  await close();
});

test('the other end and the slow ones are one choice away, and another filter begins at its first page', async () => {
  const { page, close } = await scene.open(ADDRESS);
  await shows(page, 1, 200);
  await page.keyboard.press('n');
  await shows(page, 201, 400);
  await page.getByLabel('Order').selectOption('-ts');
  await shows(page, 1, 200);
  expect((await itemsOf(page))[0]).toBe(EVENTS);
  await page.getByLabel('Order').selectOption('slowest');
  await expect.poll(async () => (await itemsOf(page))[0]).not.toBe(EVENTS);
  expect(await page.getByRole('button', { name: 'Next 200' }).count()).toBe(0);
  await page.getByLabel('Order').selectOption('');
  await page.getByLabel('Status', { exact: true }).selectOption('error');
  await expect.poll(async () => (await itemsOf(page)).every((item) => item % 100 === 0)).toBe(true);
  expect(new URL(page.url()).searchParams.get('after')).toBeNull();
  await close();
});

test('the overview of such a run stands, with every event counted', async () => {
  const { page, problems, close } = await scene.open(`/ui/runs/${MERIDIAN}/${RUN}`);
  await page.getByRole('heading', { name: 'What failed' }).waitFor();
  await page.getByText(/1,000/).first().waitFor();
  expect(problems).toEqual([]);
  await close();
});

const FILL = `
with filled as (
  insert into run_event_logs (run_id, tenant_id, stage, company_id, event, status, error_code, duration_ms, trace_id, ts, span_id, seq, kind,
    units_total, units_success, units_error)
  select $1, $2, 'crawl', n, case when n % 100 = 0 then 'error' else 'finish' end, case when n % 100 = 0 then 'error' else 'ok' end,
    case when n % 100 = 0 then 'timeout' end, n % 9001, repeat('ab', 16),
    timestamptz '2026-11-22 00:00:00Z' + n * interval '1 millisecond', lpad(to_hex(n), 16, '0'), 1, 'item', 1, (n % 100 > 0)::int, (n % 100 = 0)::int
  from generate_series(1, $3::int) n
  returning ts
)
insert into enrichment_runs (run_id, tenant_id, pipeline, status, started_at, ended_at, first_event_at, last_event_at)
select $1, $2, 'big', 'succeeded', min(ts), max(ts), min(ts), max(ts) from filled`;
