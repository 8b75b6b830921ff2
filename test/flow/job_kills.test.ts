/** Each job, killed at random and run again, leaves what it leaves when nobody disturbs it. `npm run fault:jobs` does the same 200 times a job. */

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { JOBS, type JobName } from '../../receiver/derive/jobs.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { killJob } from '../helpers/job_kills.ts';
import { seedJobs } from '../helpers/job_scene.ts';
import { createRandom } from '../helpers/random_spans.ts';

const KILLS = 6;
/** Jobs that only look. */
const READERS: readonly string[] = ['audit'];

let template: TestDatabase;

beforeAll(async () => {
  template = await createTestDatabase();
  await seedJobs(template.databaseUrl);
});
afterAll(() => template.drop());

describe('a job that is killed at random moments', () => {
  it.each(Object.keys(JOBS) as JobName[])(
    '%s comes to the same end',
    async (job) => {
      const result = await killJob({
        serverUrl: inject('testServerUrl'),
        template: template.name,
        job,
        kills: KILLS,
        processKills: 0,
        random: createRandom(20_261_123),
      });
      expect(result.faults).toEqual([]);
      expect(result.sessionKills).toBe(KILLS);
      if (!READERS.includes(job)) expect(result.rowsMoved, `${job} had something to do`).toBeGreaterThan(0);
    },
    240_000,
  );
});
