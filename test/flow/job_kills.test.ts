/** Each job, killed at random and run again, leaves what it leaves when nobody disturbs it. `npm run fault:jobs` does the same 200 times a job. */

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { JOBS, type JobName } from '../../receiver/derive/jobs.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { dropDatabase } from '../helpers/database_admin.ts';
import { killJob } from '../helpers/job_kills.ts';
import { jobTemplates, type Sink, seedJobs, startSink } from '../helpers/job_scene.ts';
import { createRandom } from '../helpers/random_spans.ts';

const KILLS = 4;
/** Of jobs that post: a channel gets one message a second. */
const KILLS_OF_SENDERS = 1;
const SENDERS: readonly string[] = ['alerts', 'deliver_alerts'];
/** Jobs that only look. */
const READERS: readonly string[] = ['audit'];

let seeded: TestDatabase;
let sink: Sink;
let templateOf: (job: string) => string;

beforeAll(async () => {
  seeded = await createTestDatabase();
  await seedJobs(seeded.databaseUrl);
  sink = await startSink();
  templateOf = await jobTemplates(inject('testServerUrl'), seeded.name, sink.url);
});
afterAll(async () => {
  await sink.close();
  const names = new Set(['alerts', 'deliver_alerts', 'expire_parked'].map(templateOf));
  for (const name of names) await dropDatabase(inject('testServerUrl'), name);
  await seeded.drop();
});

describe('a job that is killed at random moments', () => {
  it.each(Object.keys(JOBS) as JobName[])(
    '%s comes to the same end',
    async (job) => {
      const kills = SENDERS.includes(job) ? KILLS_OF_SENDERS : KILLS;
      const result = await killJob({
        serverUrl: inject('testServerUrl'),
        template: templateOf(job),
        job,
        kills,
        processKills: 0,
        random: createRandom(20_261_123),
        sink,
      });
      expect(result.faults).toEqual([]);
      expect(result.sessionKills).toBe(kills);
      if (!READERS.includes(job)) expect(result.rowsMoved, `${job} had something to do`).toBeGreaterThan(0);
    },
    240_000,
  );
});
