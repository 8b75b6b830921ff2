/** `runledger job run retention` as a child process: the dry run drops nothing, the run drops what it said, a wrong counter is exit code 1. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPool } from '../../receiver/store/pool.ts';
import { CLI_PROGRAM } from '../helpers/cli_program.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { createDays } from '../helpers/ledger_writer.ts';
import { countOf, writeRuns } from '../helpers/retention_runs.ts';

let database: TestDatabase;
let owner: Pool;
let folder: string;

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'runledger-cli-'));
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 2 });
  await createDays(owner, '2026-03-01', '2026-03-03');
  await writeRuns(owner);
});
afterAll(async () => {
  await owner.end();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

function runJob(...args: string[]): Promise<{ code: number; stdout: string }> {
  const { PATH = '', HOME = '' } = process.env;
  const environment = { DATABASE_URL: database.databaseUrl, RUNLEDGER_DATA_DIR: folder };
  const command = [...CLI_PROGRAM, 'job', 'run', ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, command, { env: { PATH, HOME, ...environment } }, (error, stdout) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout }),
    );
  });
}

it('says what it would drop, stops at a wrong counter, and drops what it said', async () => {
  const events = await countOf(owner, 'public.run_event_logs');
  const said = await runJob('retention', '--dry-run');
  expect([said.code, said.stdout]).toEqual([
    0,
    expect.stringMatching(/^2026-03-01 .* events .* runs sealed .* bytes$/m),
  ]);
  expect(await countOf(owner, 'public.run_event_logs')).toBe(events);

  await owner.query('update public.run_vendor_usage set calls = calls + 1 where run_id = 12');
  const stopped = await runJob('retention', '--json');
  expect(stopped.code).toBe(1);
  expect(JSON.parse(stopped.stdout)).toMatchObject({ days_dropped: 0, stopped: { day: '2026-03-01' } });
  expect(await countOf(owner, 'public.run_event_logs')).toBe(events);

  await owner.query('update public.run_vendor_usage set calls = calls - 1 where run_id = 12');
  const done = await runJob('retention', '--json');
  expect(done.code).toBe(0);
  expect(JSON.parse(done.stdout)).toMatchObject({
    job: 'retention',
    dry_run: false,
    events,
    difference: 0,
    stopped: null,
  });
  expect(await countOf(owner, 'public.run_event_logs')).toBe(0);
});

it('is the only job with a dry run', async () => {
  expect((await runJob('audit', '--dry-run')).code).toBe(2);
});
