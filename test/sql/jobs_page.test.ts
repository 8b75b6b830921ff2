/** docs/jobs.md: its table is the scheduler's own, and its SQL makes a running scheduler audit. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { JOB_SCHEDULE } from '../../receiver/derive/job_schedule.ts';
import { startJobs } from '../../receiver/derive/scheduler.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { loadSql } from '../../receiver/store/sql.ts';
import { createTestDatabase } from '../helpers/database.ts';
import { withClient } from '../helpers/database_admin.ts';

const page = readFileSync(new URL('../../docs/jobs.md', import.meta.url), 'utf8');
const statements = [...page.matchAll(/```sql\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');

it('lists every job with its clock and purpose', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  const expected = Object.entries(JOB_SCHEDULE).map(
    ([name, { match, what }]) => `| \`${name}\` | \`${match}\` | ${what} |`,
  );
  expect(rows).toEqual(expected);
});

it('asks for an audit in SQL, once although it is asked twice, and finds its result', async () => {
  const database = await createTestDatabase();
  const owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 2 });
  const [ask, read] = statements;
  if (ask === undefined || read === undefined) throw new Error('docs/jobs.md has lost its SQL');
  const ignored = () => undefined;
  const start = () =>
    startJobs({
      databaseUrl: database.databaseUrl,
      log: { info: ignored, warn: ignored, error: ignored },
      writer: { sweepParked: async () => 0, expireParked: async () => 0 },
      ensurePartitions: async () => undefined,
      eventRetentionDays: 30,
      qaRetentionDays: 90,
      links: { publicUrl: 'http://127.0.0.1:8080', jaegerUiUrl: null },
    });
  try {
    // A clone of a database has no rights of its own on the database; migrate gives them again at every start.
    await withClient(database.superuserUrl, (client) => client.query(loadSql('roles/database')));
    // The first start makes graphile-worker's tables; while nobody runs, two requests become one.
    await (await start()).stop();
    await owner.query(ask);
    await owner.query(ask);
    const jobs = await start();
    try {
      await expect.poll(async () => (await owner.query(read)).rows, { timeout: 60_000 }).toHaveLength(1);
    } finally {
      await jobs.stop();
    }
    expect((await owner.query(read)).rows).toMatchObject([{ job: 'audit', difference: 0, sealed_difference: 0 }]);
  } finally {
    await owner.end();
    await database.drop();
  }
});
