/** Money on the dashboard, in a real browser: cost by vendor and model, budgets, and a run's vendors down to their models. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunStats } from '../../receiver/serve/shape.ts';
import type { TrendCosts } from '../../receiver/serve/shape_costs.ts';
import { violationsOf } from '../helpers/axe.ts';
import { type DashboardScene, HARBOUR, MERIDIAN, openDashboardScene } from '../helpers/dashboard_scene.ts';

let scene: DashboardScene;
let runKey: string;

beforeAll(async () => {
  scene = await openDashboardScene();
  const played = scene.played.runs.filter(({ tally }) => tally.tenantId === MERIDIAN).at(-1);
  runKey = played?.tally.runKey ?? '';
}, 120_000);
afterAll(() => scene?.close());

async function setBudget(parameters: object): Promise<void> {
  await scene.ledger.ownerPool.query(`update runledger.alert_rules set parameters = $1 where rule = 'cost_budget'`, [
    { per_run_usd: null, per_day_usd: null, per_month_usd: null, ...parameters },
  ]);
}

async function read<T>(path: string): Promise<T> {
  const answer = await fetch(scene.url + path, { headers: { Authorization: `Bearer ${scene.receiver.adminToken}` } });
  return (await answer.json()) as T;
}

describe('cost by vendor and model', () => {
  test('stands on the page as the API says it, dearest first, with exact amounts behind the short ones', async () => {
    const { models, total } = await read<TrendCosts>(`/trends/costs?tenant=${MERIDIAN}`);
    const { page, problems, close } = await scene.open(`/ui/trends?tenant=${MERIDIAN}`);
    const table = page.locator('table.costs');
    await table.waitFor();
    const names = await table.locator('tbody th').allTextContents();
    expect(names).toHaveLength(models.length);
    expect(names).toEqual(expect.arrayContaining(['openai gpt-4o', 'openai gpt-4o-mini', 'tavily', 'lusha']));
    expect(names[0]).toBe([models[0]?.vendor, models[0]?.model].filter(Boolean).join(' '));
    await expect
      .poll(() => table.locator('tfoot td').first().locator('[title]').first().getAttribute('title'))
      .toContain(`$${total.cost_usd}`);
    await page.locator('section[aria-labelledby="costs"] .chart canvas').waitFor();
    expect(problems).toEqual([]);
    await close();
  });

  test('is by day, week or month, which stays in the address, and can be read as a table', async () => {
    const { page, close } = await scene.open(`/ui/trends?tenant=${MERIDIAN}`);
    const section = page.locator('section[aria-labelledby="costs"]');
    await section.getByText('a bar a week').waitFor();
    await section.getByLabel('A bar is').selectOption('month');
    await section.getByText('a bar a month').waitFor();
    expect(new URL(page.url()).searchParams.get('per')).toBe('month');
    await section.locator('.chart-table summary').click();
    await section.locator('.chart-table tbody tr').first().waitFor();
    const { at, models } = await read<TrendCosts>(`/trends/costs?tenant=${MERIDIAN}&by=month`);
    const firstPaid = at.findIndex((_, index) => models.some((model) => Number(model.cost_by_period[index]) > 0));
    // One month before the first that cost anything, and none of those before.
    expect(await section.locator('.chart-table tbody tr').count()).toBe(at.length - Math.max(0, firstPaid - 1));
    await close();
  });

  test('says where there is nothing how a model comes to be known', async () => {
    const { page, close } = await scene.open('/ui/trends?pipeline=none');
    await page.getByRole('heading', { name: 'No vendor was called in this time' }).waitFor();
    await close();
  });
});

describe('budgets', () => {
  test('say how one is set while there is none', async () => {
    await setBudget({});
    const { page, close } = await scene.open('/ui/trends');
    await page.getByRole('heading', { name: 'No budget is set' }).waitFor();
    await page.getByText('runledger rule set cost_budget').waitFor();
    await close();
  });

  test('show what is spent, by word and not by colour alone, and lead to run, alert and runbook', async () => {
    await setBudget({ per_run_usd: 0.0001, per_month_usd: 1_000_000 });
    await scene.sweepAlerts();
    const { page, close } = await scene.open('/ui/trends');
    const table = page.locator('table.budgets');
    await table.waitFor();
    const rows = table.locator('tbody tr');
    await expect.poll(() => rows.count()).toBe(4);
    expect(await rows.first().locator('.status').textContent()).toBe('over budget');
    expect(await rows.last().locator('.status').textContent()).toBe('ok');
    expect(await rows.first().locator('.share').textContent()).toMatch(/^[\d.]+ [kM] %$/);
    await rows.first().getByRole('link', { name: 'alert' }).click();
    await page.getByText('CB-10').first().waitFor();
    await page.goBack();
    await rows.first().getByRole('link', { name: 'runbook CB-10' }).click();
    await page.getByRole('heading', { name: /cost over budget/ }).waitFor();
    await page.goBack();
    await rows.first().getByRole('link', { name: 'run', exact: true }).click();
    await page.getByRole('heading', { name: 'Vendors' }).waitFor();
    await close();
  });

  test.each(['light', 'dark'] as const)('and the costs above break no rule of axe, %s', async (colorScheme) => {
    await setBudget({ per_run_usd: 0.0001, per_day_usd: 50, per_month_usd: 1_000_000 });
    const { page, close } = await scene.open('/ui/trends', { colorScheme, reducedMotion: 'reduce', bypassCSP: true });
    await page.locator('table.budgets').waitFor();
    await page.locator('section[aria-labelledby="costs"] .chart canvas').waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await close();
  });

  test('fit a phone', async () => {
    await setBudget({ per_run_usd: 0.0001, per_month_usd: 1_000_000 });
    const { page, close } = await scene.open(`/ui/trends?tenant=${HARBOUR}`, { viewport: { width: 390, height: 844 } });
    await page.locator('table.budgets').waitFor();
    await page.locator('section[aria-labelledby="costs"] .chart canvas').waitFor();
    const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(inner).toBeLessThanOrEqual(outer ?? 0);
    await close();
  });
});

describe("a run's vendors", () => {
  test.each(['light', 'dark'] as const)('open to their models, by keyboard too, %s', async (colorScheme) => {
    const { model_usage } = await read<RunStats>(`/runs/${runKey}/stats?tenant=${MERIDIAN}`);
    const models = model_usage.filter(({ vendor }) => vendor === 'openai');
    expect(models.length).toBeGreaterThan(1);
    const { page, problems, close } = await scene.open(`/ui/runs/${MERIDIAN}/${runKey}`, {
      colorScheme,
      reducedMotion: 'reduce',
      bypassCSP: true,
    });
    const toggle = page.getByRole('button', { name: `${models.length} models of openai` });
    await toggle.waitFor();
    expect(await page.locator('tr.of-model').count()).toBe(0);
    await toggle.focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('tr.of-model').count()).toBe(models.length);
    expect((await page.locator('tr.of-model th').allTextContents()).sort()).toEqual(
      models.map(({ model }) => model).sort(),
    );
    expect(await toggle.getAttribute('aria-expanded')).toBe('true');
    expect(await violationsOf(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('tr.of-model').count()).toBe(0);
    expect(await page.getByRole('button', { name: /of tavily/ }).count()).toBe(0);
    expect(problems).toEqual([]);
    await close();
  });
});
