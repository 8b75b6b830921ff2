/** Python on the pages, with OpenTelemetry's own SDK for Python, against a receiver: what it does is what the ledger has. */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { blocksFor } from '../helpers/docs_blocks.ts';
import { startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';
import { findPeers } from './build.ts';

const MINUTE_MS = 60_000;
const run = promisify(execFile);
const programs = blocksFor('python').map(({ page, line, text }): [string, string] => [`${page}:${line}`, text]);

let database: TestDatabase;
let receiver: TestReceiver;
let superuser: pg.Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  receiver = await startTestReceiver(database.databaseUrl);
  superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 1 });
}, MINUTE_MS);
afterAll(async () => {
  await superuser?.end();
  await receiver?.close();
  await database?.drop();
}, MINUTE_MS);

it.each(programs)(
  '%s leaves a complete run with what it counted',
  async (_name, text) => {
    const { python } = findPeers();
    if (!existsSync(python)) throw new Error(`${python} is not built. Run: npm run test:peers`);
    const { PATH = '', HOME = '' } = process.env;
    const env = {
      PATH,
      HOME,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.urls.otlpHttp,
      // Python takes the value of a header percent-encoded.
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${receiver.ingestToken}`,
    };
    const { stdout, stderr } = await run(python, ['-c', text], { env });
    expect([stdout, stderr]).toEqual(['', '']);
    const { rows } = await superuser.query(`
    select r.status, r.complete, r.pipeline, s.count_total::int as items, s.count_error::int as item_errors,
      v.calls::int as calls, v.errors::int as call_errors, m.set_value::int as delivered
    from enrichment_runs r join run_stage_stats s using (tenant_id, run_id) join run_vendor_usage v using (tenant_id, run_id)
      join run_metrics m using (tenant_id, run_id)
    where r.tenant_id = 7 and s.stage = 'crawl' and v.vendor = 'tavily' and m.name = 'items_delivered'`);
    const counts = { items: 2, item_errors: 1, calls: 2, call_errors: 1, delivered: 2 };
    expect(rows).toEqual([{ status: 'succeeded', complete: true, pipeline: 'nightly', ...counts }]);
  },
  MINUTE_MS,
);

it('there is Python on the pages', () => {
  expect(programs.length).toBeGreaterThan(0);
});
