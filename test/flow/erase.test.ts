/** Erasure through the whole receiver: nothing is left that says who, and no count, audit or resend is any different. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Attribute } from '../../receiver/decode/shape.ts';
import { audit } from '../../receiver/derive/audit.ts';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { rebuild } from '../../receiver/derive/rebuild.ts';
import { eraseItem, eraseTenant } from '../../receiver/store/erase.ts';
import { ATTR } from '../../sdk/attributes.ts';
import { int, requestWith, span, text, traceBody } from '../helpers/otlp.ts';
import { postTraces } from '../helpers/receiver.ts';
import { OTHER, type Stories, startStories, TENANT } from '../helpers/run_stories.ts';

let stories: Stories;
let body: string;

beforeAll(async () => {
  stories = await startStories();
  body = request();
  await send();
  await deriveDue(stories.owner, { all: true });
});
afterAll(() => stories.close());

const ITEMS = ['Acme Ltd', '500', 'jane@acme.example'];

/** The same spans each time, as an exporter resends them: a run of each tenant with three items, all in bucket High. */
function request(): string {
  const endUs = (Date.now() - 60_000) * 1000;
  const spans = [TENANT, OTHER].flatMap((tenant) =>
    ['run', ...ITEMS].map((item, index) => {
      const own: Attribute[] =
        item === 'run'
          ? [text(ATTR.kind, 'run'), text(ATTR.langsmithUrl, 'https://smith.langchain.com/public/acme/r')]
          : [
              text(ATTR.kind, 'item'),
              text(ATTR.itemId, item),
              text(ATTR.itemBucket, 'High'),
              text('about', `told of ${item}`),
            ];
      return span({
        traceId: String(tenant).padStart(32, '0'),
        spanId: `${tenant}${index}`.padStart(16, '0'),
        parentSpanId: item === 'run' ? '' : `${tenant}0`.padStart(16, '0'),
        name: 'enrich',
        startUs: endUs - 1_000_000,
        endUs: endUs + index,
        attributes: [int(ATTR.tenantId, tenant), text(ATTR.runId, 'acme-night'), text(ATTR.stage, 'crawl'), ...own],
      });
    }),
  );
  return Buffer.from(traceBody(requestWith(...spans), 'json')).toString();
}

async function send(): Promise<void> {
  const answer = await postTraces(stories.receiver, body);
  expect([answer.status, await answer.text()]).toEqual([200, expect.not.stringContaining('rejected')]);
}

/** Everything that is stored of a tenant's runs and items, as text. */
async function stored(tenantId: number): Promise<string> {
  const tables = [
    'run_event_logs',
    'qa_samples',
    'enrichment_runs',
    'runledger.run_keys',
    'runledger.parked_spans',
    'runledger.tenants',
    'runledger.acts',
  ];
  const texts = await Promise.all(
    tables.map(async (table) => {
      const { rows } = await stories.owner.query(
        `select t::text as row from ${table} t where tenant_id = $1 order by 1`,
        [tenantId],
      );
      return rows.map(({ row }) => `${table} ${row}`).join('\n');
    }),
  );
  return texts.join('\n');
}

async function counters(): Promise<unknown> {
  const { rows } = await stories.owner.query(
    `select tenant_id, stage, count_total, count_success, duration_samples, p50_ms from run_stage_stats order by 1, 2`,
  );
  const { rows: buckets } = await stories.owner.query(`select tenant_id, name, value from run_metrics order by 1, 2`);
  const { rows: refused } = await stories.owner.query('select reason, spans from runledger.refusals order by 1');
  return { rows, buckets, refused };
}

async function expectWhole(before: unknown): Promise<void> {
  await send();
  expect((await audit(stories.owner)).difference).toBe(0);
  expect((await rebuild(stories.owner)).changes).toEqual([]);
  await deriveDue(stories.owner, { all: true });
  expect(await counters()).toEqual(before);
}

it('one item, by number and by text: its rows stay and count, and a resend changes nothing', async () => {
  const before = await counters();
  const review = { result: 'pass', reviewer: 'Ana', notes: 'called them' };
  const admin = stories.receiver.adminToken;
  expect((await stories.ask('PATCH', `/qa/acme-night/500?tenant=${TENANT}`, review, admin)).status).toBe(200);
  expect(await stored(TENANT)).toContain('called them');

  for (const item of ITEMS) {
    const erased = await eraseItem(stories.owner, TENANT, item, 'ana');
    expect(erased).toEqual({ events: 2, qa_samples: 1, parked: 0, runs: 0 });
  }
  const text = await stored(TENANT);
  for (const trace of ['Acme Ltd', 'told of', ',500,', '/500', 'called them']) expect(text, trace).not.toContain(trace);
  expect(text).toContain('erase_item');
  const { rows } = await stories.owner.query(
    'select count(distinct company_id)::int as items from run_event_logs where tenant_id = $1 and company_id is not null',
    [TENANT],
  );
  expect(rows).toEqual([{ items: ITEMS.length }]);
  expect(await stored(OTHER)).toContain('told of Acme Ltd');
  await expectWhole(before);
  expect(await stored(TENANT)).not.toContain('told of');
  expect(await eraseItem(stories.owner, TENANT, 'nobody', 'ana')).toMatchObject({ events: 0, qa_samples: 0 });
});

it('a whole tenant, once it is disabled: no name, key, link or item is left', async () => {
  const before = await counters();
  await expect(eraseTenant(stories.owner, OTHER, 'ana')).rejects.toThrow('disable it first');
  expect(await stored(OTHER)).toContain('told of Acme Ltd');
  await stories.ask('PATCH', `/tenants/${OTHER}`, { name: 'acme-corp' }, stories.receiver.adminToken);
  await stories.ask('DELETE', `/tenants/${OTHER}`, undefined, stories.receiver.adminToken);
  expect(await eraseTenant(stories.owner, OTHER, 'ana')).toMatchObject({ runs: 1, qa_samples: 3 });
  const text = await stored(OTHER);
  for (const trace of ['Acme', 'acme', 'told of', 'smith.langchain', ',500,', 'jane'])
    expect(text, trace).not.toContain(trace);
  expect(text).toContain('erase_tenant');
  expect((await audit(stories.owner)).difference).toBe(0);
  expect((await rebuild(stories.owner)).changes).toEqual([]);
  await deriveDue(stories.owner, { all: true });
  expect(await counters()).toEqual(before);
});
