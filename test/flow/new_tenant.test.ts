/** A refusal is for good: what was registered a moment ago must be known to the very next request. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { postTraces, runSpanJson, startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';

let database: TestDatabase;
let receiver: TestReceiver;

beforeAll(async () => {
  database = await createTestDatabase();
  receiver = await startTestReceiver(database.databaseUrl, { RUNLEDGER_TENANT_AUTOCREATE: '0' });
});
afterAll(async () => {
  await receiver.close();
  await database.drop();
});

async function manage(path: string, body: object): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${receiver.adminToken}`, 'content-type': 'application/json' };
  const answer = await fetch(`${receiver.urls.api}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  expect(answer.status).toBe(201);
  return (await answer.json()) as Record<string, unknown>;
}

test('a span sent right after its tenant token was made is kept', async () => {
  const { token } = await manage('/tokens', { kind: 'tenant', tenant: 4242 });
  const answer = await postTraces(receiver, runSpanJson(4242, 'first', 1), String(token));
  expect(await answer.json()).toEqual({});
});

test('a span sent with the ingest token right after its tenant was registered is kept', async () => {
  await manage('/tenants', { tenant: 4343 });
  const answer = await postTraces(receiver, runSpanJson(4343, 'first', 2));
  expect(await answer.json()).toEqual({});
});

test('a tenant that nobody registered is still refused, and so is another tenant than the token’s', async () => {
  const unknown = await postTraces(receiver, runSpanJson(4444, 'first', 3));
  expect(JSON.stringify(await unknown.json())).toContain('unknown_tenant');
  const { token } = await manage('/tokens', { kind: 'tenant', tenant: 4545 });
  const other = await postTraces(receiver, runSpanJson(4343, 'first', 4), String(token));
  expect(JSON.stringify(await other.json())).toContain('other_tenant');
});
