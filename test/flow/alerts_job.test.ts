/** A running receiver from a span to a message: the run fails, the sweep fires, the hook hears of it once, and of its end once. */

import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AlertMessage } from '../../receiver/derive/alerts/finding.ts';
import type { JOBS } from '../../receiver/derive/jobs.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { startTarget, type TestTarget } from '../helpers/hostile_server.ts';
import { postTraces, runSpanJson, startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';

let database: TestDatabase;
let owner: Pool;
let receiver: TestReceiver;
let hook: TestTarget;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 3 });
  hook = await startTarget();
  receiver = await startTestReceiver(database.databaseUrl, { RUNLEDGER_PUBLIC_URL: 'https://ledger.example.com' });
  await owner.query(
    `insert into runledger.alert_channels (tenant_id, channel, kind, url, secret, allow_private)
     values (0, 'hook', 'webhook', $1, 'k', true)`,
    [hook.url],
  );
});
afterAll(async () => {
  await receiver.close();
  await hook.close();
  await owner.end();
  await database.drop();
});

/** Asks the receiver's own scheduler, as SQL users do. */
async function ask(job: keyof typeof JOBS): Promise<void> {
  await owner.query('select graphile_worker.add_job($1, payload => $2::json, job_key => $1)', [job, '{}']);
}

function heard(): AlertMessage[] {
  return hook.received.map(({ body }) => JSON.parse(body) as AlertMessage).filter(({ rule }) => rule === 'run_failed');
}

async function send(runId: string, spanNumber: number, status: string): Promise<void> {
  const body = runSpanJson(7, runId, spanNumber).replace(
    '"attributes":[',
    `"attributes":[{"key":"runledger.run.status","value":{"stringValue":"${status}"}},{"key":"runledger.pipeline","value":{"stringValue":"nightly"}},`,
  );
  expect((await postTraces(receiver, body)).status).toBe(200);
  // Derive takes ended runs half a minute later; nobody here wants to wait for it.
  await owner.query("update runledger.dirty_runs set due_at = now() - interval '1 second'");
  await ask('derive_due');
  await expect
    .poll(async () => (await owner.query('select from runledger.dirty_runs')).rowCount, { timeout: 60_000 })
    .toBe(0);
}

test('a failed run fires once however often it is swept, and the next good one resolves it once', async () => {
  await send('failed-night', 1, 'failed');
  await ask('alerts');
  await expect.poll(() => heard().length, { timeout: 60_000 }).toBe(1);
  await Promise.all([1, 2].map(() => ask('alerts')));
  await send('good-night', 2, 'succeeded');
  await ask('alerts');
  await expect.poll(() => heard().length, { timeout: 60_000 }).toBe(2);
  const [fired, resolved] = heard();
  expect(fired).toMatchObject({ event: 'fired', severity: 'page', run: { run_key: 'failed-night' } });
  expect(fired?.links).toMatchObject({ runbook: 'https://ledger.example.com/runbooks/RF-07' });
  expect(resolved).toMatchObject({ event: 'resolved', alert_id: fired?.alert_id, run: { run_key: 'good-night' } });
}, 240_000);
