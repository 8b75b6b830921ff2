/** `runledger price`: a price that a person sets must reach the calls that come next, of the right tenant, and no call that is counted already. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLI_PROGRAM } from '../helpers/cli_program.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';

let database: TestDatabase;
let receiver: TestReceiver;
let superuser: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 1 });
  receiver = await startTestReceiver(database.databaseUrl);
});
afterAll(async () => {
  await receiver?.close();
  await superuser?.end();
  await database?.drop();
});

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

async function price(...args: string[]): Promise<Outcome> {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, DATABASE_URL: database.databaseUrl };
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [...CLI_PROGRAM, 'price', ...args], { env })) };
  } catch (error) {
    return error as Outcome;
  }
}

let spans = 0;

/** One call of tavily. @returns its run, by whose key it is found */
async function call(tenant: number): Promise<string> {
  const hex = (++spans).toString(16);
  const run = `n-${spans}`;
  const nano = `${Date.now()}000000`;
  const text = (key: string, stringValue: string) => ({ key: `runledger.${key}`, value: { stringValue } });
  const attributes = [
    { key: 'runledger.tenant.id', value: { intValue: String(tenant) } },
    text('run.id', run),
    text('kind', 'vendor_call'),
    text('vendor', 'tavily'),
  ];
  const ids = { traceId: hex.padStart(32, '1'), spanId: hex.padStart(16, '1') };
  const span = { ...ids, name: 'tavily', startTimeUnixNano: nano, endTimeUnixNano: nano, attributes };
  const response = await fetch(`${receiver.urls.otlpHttp}/v1/traces`, {
    method: 'POST',
    headers: { authorization: `Bearer ${receiver.ingestToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }),
  });
  expect(await response.json()).toEqual({});
  return run;
}

async function costOf(run: string): Promise<string | null> {
  const { rows } = await superuser.query<{ cost: string | null }>(
    'select e.cost_usd::text as cost from run_event_logs e join enrichment_runs r using (tenant_id, run_id) where r.run_key = $1',
    [run],
  );
  expect(rows).toHaveLength(1);
  return rows[0]?.cost ?? null;
}

/** Receivers ask for new prices every two seconds: calls go on until one has a cost that `holds`. */
async function untilCost(tenant: number, holds: (cost: number | null) => boolean): Promise<number | null> {
  for (let tries = 0; tries < 200; tries++) {
    const cost = await costOf(await call(tenant));
    const usd = cost === null ? null : Number(cost);
    if (holds(usd)) return usd;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the price did not reach the receiver');
}

test('a price reaches the calls that come next and no call before it; a tenant has its own, and what is removed holds no more', async () => {
  const before = await call(7);
  expect(await costOf(before)).toBeNull();
  expect(await price('set', 'Tavily', '0.008')).toMatchObject({ code: 0 });
  expect(await untilCost(7, (usd) => usd !== null)).toBe(0.008);
  expect(await costOf(before)).toBeNull();
  await price('set', 'tavily', '0.006', '--tenant', '7');
  expect(await untilCost(7, (usd) => usd !== 0.008)).toBe(0.006);
  expect(await costOf(await call(8))).toMatch(/^0\.0080*$/);
  const listed = JSON.parse((await price('list', '--json')).stdout) as { price_id: number; tenant_id: number | null }[];
  expect(listed).toMatchObject([
    { vendor: 'tavily', tenant_id: null, unit: 'call', amount_usd: '0.008', valid_from: null },
    { vendor: 'tavily', tenant_id: 7, amount_usd: '0.006' },
  ]);
  for (const { price_id } of listed) expect(await price('remove', String(price_id))).toMatchObject({ code: 0 });
  expect(await untilCost(7, (usd) => usd === null)).toBeNull();
});

test('set again replaces the amount; another start stands beside it', async () => {
  await price('set', 'lusha', '1');
  await price('set', 'lusha', '2');
  await price('set', 'lusha', '3', '--from', '2027-01-01');
  const listed = JSON.parse((await price('list', '--json')).stdout);
  expect(
    listed.map((one: { amount_usd: string; valid_from: string | null }) => [one.amount_usd, one.valid_from]),
  ).toEqual([
    ['2', null],
    ['3', '2027-01-01T00:00:00.000Z'],
  ]);
});

test.each([
  [['set', 'tavily', '-1'], 2],
  [['set', 'tavily', '1e-3'], 2],
  [['set', ' ', '1'], 2],
  [['set', 'tavily', '1', '--per', 'night'], 2],
  [['set', 'tavily', '1', '--from', 'soon'], 2],
  [['set', 'tavily', '1', '--tenant', 'nobody'], 1],
  [['remove', '999999'], 1],
])('%j ends with %i and changes nothing', async (args, code) => {
  const count = async () => (await superuser.query('select count(*)::int as n from runledger.prices')).rows[0]?.n;
  const had = await count();
  const outcome = await price(...args);
  expect(outcome.code).toBe(code);
  expect(outcome.stderr).not.toContain('fault of Runledger');
  expect(await count()).toBe(had);
});
