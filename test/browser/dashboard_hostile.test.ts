/** Text of strangers on every page: whatever stands in a name, a code, a note or a link is shown as text and does nothing. */

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deriveRun } from '../../receiver/derive/derive_run.ts';
import { type DashboardScene, openDashboardScene } from '../helpers/dashboard_scene.ts';

const TENANT = 7;
const RUN = 9001;
const SCRIPT = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>';
const LINK = 'javascript:window.pwned=1';

let scene: DashboardScene;

beforeAll(async () => {
  scene = await openDashboardScene(1);
  await sendHostileRun();
}, 120_000);

afterAll(() => scene?.close());

/** A name of its own for each field, so that one can tell which were shown. */
const hostile = (field: string) => `${field}${SCRIPT}`;

async function sendHostileRun(): Promise<void> {
  const endMs = Date.now() - 60_000;
  let spans = 0;
  const span = (kind: string, attributes: Record<string, string | number | boolean>, error?: string) => {
    spans++;
    const all = {
      'runledger.kind': kind,
      'runledger.tenant.id': TENANT,
      'runledger.run.id': String(RUN),
      ...attributes,
    };
    return {
      traceId: 'ab'.repeat(16),
      spanId: spans.toString(16).padStart(16, '0'),
      name: hostile('name'),
      kind: 1,
      startTimeUnixNano: `${endMs - 1000 + spans}000000`,
      endTimeUnixNano: `${endMs}000000`,
      attributes: Object.entries(all).map(([key, value]) => ({
        key,
        value:
          typeof value === 'number'
            ? { intValue: String(value) }
            : typeof value === 'boolean'
              ? { boolValue: value }
              : { stringValue: value },
      })),
      ...(error === undefined ? {} : { status: { code: 2, message: error } }),
    };
  };
  const body = {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.version', value: { stringValue: hostile('version') } }] },
        scopeSpans: [
          {
            spans: [
              span('stage', { 'runledger.stage': hostile('stage') }, hostile('message')),
              span(
                'item',
                {
                  'runledger.stage': hostile('stage'),
                  'runledger.item.id': hostile('item'),
                  'runledger.item.bucket': 'High',
                  'runledger.error.code': hostile('code'),
                  'company.name': hostile('extra'),
                },
                hostile('message'),
              ),
              span('vendor_call', {
                'runledger.stage': hostile('stage'),
                'runledger.vendor': hostile('vendor'),
                'runledger.rate_limit_hits': 2,
              }),
              span('run', {
                'runledger.pipeline': hostile('pipeline'),
                'deployment.environment.name': hostile('environment'),
                'runledger.run.status': 'failed',
                'runledger.langsmith_url': LINK,
                [`runledger.metric.${hostile('metric')}`]: 4,
              }),
            ],
          },
        ],
      },
    ],
  };
  const answer = await fetch(`${scene.receiver.urls.otlpHttp}/v1/traces`, {
    method: 'POST',
    headers: { authorization: `Bearer ${scene.receiver.ingestToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
  await scene.ledger.query('update enrichment_runs set note = $1, langsmith_trace_url = $2 where run_id = $3', [
    hostile('note'),
    LINK,
    RUN,
  ]);
  await deriveRun(scene.ledger.ownerPool, { tenantId: TENANT, runId: RUN }, { now: new Date(), force: true });
  await scene.sweepAlerts();
}

/** Waits for the page, and for the fields in it. */
async function shows(page: Page, path: string, fields: string[]): Promise<void> {
  await page.goto(path);
  for (const field of fields) {
    await expect
      .poll(() => page.evaluate(() => document.querySelector('main')?.textContent ?? ''), {
        message: `${path}: ${field}`,
      })
      .toContain(field);
  }
}

async function assertHarmless(page: Page): Promise<void> {
  const found = await page.evaluate(() => ({
    pwned: 'pwned' in window,
    images: document.querySelectorAll('img, iframe, object, script:not([src])').length,
    links: [...document.querySelectorAll('a')].filter((link) => !/^https?:$/.test(link.protocol)).length,
    handlers: [...document.querySelectorAll('*')].filter((one) =>
      [...one.attributes].some(({ name }) => name.startsWith('on')),
    ).length,
  }));
  expect(found).toEqual({ pwned: false, images: 0, links: 0, handlers: 0 });
}

test('script in every field of a run stays text on every page that shows it', async () => {
  const { page, problems, close } = await scene.open('/ui/');
  const begin = (field: string) => `${field}<img`;
  const run = `/ui/runs/${TENANT}/${RUN}`;
  const stage = encodeURIComponent(hostile('stage'));
  const visits: [string, string[]][] = [
    ['/ui/', ['pipeline', 'environment']],
    [run, ['pipeline', 'environment', 'note', 'stage', 'vendor', 'code', 'metric']],
    [`${run}?stage=${stage}`, ['stage', 'code', 'item']],
    [`${run}?view=events`, ['stage', 'vendor', 'code', 'item']],
    [`/ui/qa?run=${RUN}`, ['item']],
    ['/ui/alerts', ['pipeline']],
    [`/ui/trends?pipeline=${encodeURIComponent(hostile('pipeline'))}`, []],
    [`/ui/?q=${encodeURIComponent(SCRIPT)}`, []],
    [`/ui/runs/${TENANT}/${encodeURIComponent(SCRIPT)}`, []],
  ];
  for (const [path, fields] of visits) {
    await shows(page, path, fields.map(begin));
    await assertHarmless(page);
  }
  await page.goto(`${run}?view=events`);
  await page.locator('.event-button').first().waitFor();
  for (const row of await page.locator('.event-button').all()) await row.click();
  await page.getByText(begin('extra')).first().waitFor();
  await assertHarmless(page);
  expect(problems.filter((text) => !/status of 40[04]/.test(text))).toEqual([]);
  await close();
}, 180_000);

test('a runbook is text too: its links lead to the web or nowhere', async () => {
  const { page, close } = await scene.open('/ui/alerts');
  await page.route('**/runbooks/*', (route) =>
    route.fulfill({
      contentType: 'text/markdown',
      body: `# ${SCRIPT}\n\n[a](javascript:alert(1)) **${SCRIPT}** \`${SCRIPT}\`\n\n- ${SCRIPT}\n\n| a |\n|---|\n| ${SCRIPT} |\n\n[web](https://example.com/x)\n`,
    }),
  );
  await page.reload();
  await page.locator('.markdown').getByText('web').waitFor();
  await assertHarmless(page);
  expect(await page.locator('.markdown a').count()).toBe(1);
  await close();
});
