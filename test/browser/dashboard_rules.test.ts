/** What holds on every page of the dashboard: people who see, hear or click differently can use it, it is light, and it asks nobody else. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { violationsOf } from '../helpers/axe.ts';
import { type DashboardScene, MERIDIAN, openDashboardScene, type ScenePage } from '../helpers/dashboard_scene.ts';

let scene: DashboardScene;
let failedRun: string;

beforeAll(async () => {
  scene = await openDashboardScene();
  failedRun = scene.played.runs.find(({ tally }) => tally.outcome === 'failed')?.tally.runKey ?? '';
}, 120_000);

afterAll(() => scene?.close());

/** Each page, and what is on it when it is whole. */
const PAGES: Record<string, { path: () => string; whole: string }> = {
  runs: { path: () => '/ui/', whole: 'table.runs tbody tr' },
  'runs, nothing found': { path: () => '/ui/?q=nothing', whole: '.empty' },
  run: { path: () => `/ui/runs/${MERIDIAN}/${failedRun}`, whole: '.metrics' },
  'a stage': { path: () => `/ui/runs/${MERIDIAN}/${failedRun}?stage=score`, whole: '.histogram svg' },
  events: { path: () => `/ui/runs/${MERIDIAN}/${failedRun}?view=events`, whole: '.event-table tbody tr' },
  compare: { path: () => `/ui/runs/${MERIDIAN}/${failedRun}?view=compare`, whole: '.differences tbody tr' },
  'a run that is not there': { path: () => '/ui/runs/7/nothing', whole: '.note' },
  alerts: { path: () => '/ui/alerts', whole: '.markdown table' },
  qa: { path: () => '/ui/qa', whole: '.qa-results table' },
  trends: { path: () => '/ui/trends', whole: '.chart canvas' },
  ingest: { path: () => '/ui/ingest', whole: '.ingest-columns' },
  runbooks: { path: () => '/ui/runbooks/CR-02', whole: '.markdown table' },
  'no page': { path: () => '/ui/nothing', whole: '.empty' },
};

async function openWhole(
  name: string,
  options: Parameters<DashboardScene['open']>[1],
  elsewhere?: string,
): Promise<ScenePage> {
  const { path, whole } = PAGES[name] ?? { path: () => '/ui/', whole: 'main' };
  const opened = await scene.open(elsewhere ?? path(), options);
  await opened.page.locator(whole).first().waitFor();
  return opened;
}

describe.each(Object.keys(PAGES))('%s', (name) => {
  test.each(['light', 'dark'] as const)('axe finds nothing, %s', async (colorScheme) => {
    // Motion is switched off, because a colour between two frames is nobody's choice.
    const { page, close } = await openWhole(name, { colorScheme, reducedMotion: 'reduce', bypassCSP: true });
    expect(await violationsOf(page)).toEqual([]);
    await close();
  });

  test('fits a phone: the page itself never scrolls sideways', async () => {
    // A phone shows the list first, and the alert with its runbook at an address of its own.
    const onPhone = name === 'alerts' ? '/ui/alerts/1' : undefined;
    const { page, close } = await openWhole(name, { viewport: { width: 390, height: 844 } }, onPhone);
    const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(inner).toBeLessThanOrEqual(outer ?? 0);
    await close();
  });

  test('asks this host alone, and breaks no rule of its own policy', async () => {
    const { requested, problems, close } = await openWhole(name, {});
    expect(requested.filter((url) => !url.startsWith(scene.url))).toEqual([]);
    expect(problems.filter((text) => !/status of 404/.test(text))).toEqual([]);
    await close();
  });
});

test.each(['light', 'dark'] as const)(
  'axe finds nothing at the sign-in and among the keys, %s',
  async (colorScheme) => {
    const stranger = await scene.newPage({ colorScheme, bypassCSP: true });
    await stranger.page.goto('/ui/');
    await stranger.page.getByLabel('Token').waitFor();
    expect(await violationsOf(stranger.page)).toEqual([]);
    await stranger.close();
    const { page, close } = await openWhole('runs', { colorScheme, bypassCSP: true });
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    await close();
  },
);

test('colours follow the system until somebody chooses, and the choice lasts', async () => {
  const { page, close } = await openWhole('runs', { colorScheme: 'dark' });
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const dark = await ground();
  await page.getByRole('button', { name: /Colours/ }).click();
  const light = await ground();
  expect(light).not.toBe(dark);
  await page.reload();
  await page.locator('header.top').waitFor();
  expect(await ground()).toBe(light);
  await close();
});

test('all files of the dashboard together are below 100 kB on the wire', async () => {
  const { page, close } = await openWhole('trends', {});
  const files = await page.evaluate(() =>
    [...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]
      .filter((entry) => new URL(entry.name).pathname.startsWith('/ui/') && !entry.name.endsWith('/ui/session'))
      .map((entry) => ({ name: entry.name, bytes: (entry as PerformanceResourceTiming).encodedBodySize })),
  );
  expect(files.length).toBeGreaterThanOrEqual(4);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(100_000);
  await close();
});
