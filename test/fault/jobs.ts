/**
 * Every job, killed at random moments: by ending its sessions on the server, and by kill -9 of a process that runs the command. After one to
 * ten kills in a row the job is run to its end, and every table must say what it says where the job was left alone.
 *
 *     npm run build && npx tsx test/fault/jobs.ts [--kills 200] [--process-kills 20] [--job derive_due] [--seed 1] [--write]
 *
 * --write keeps the result. Exit code 1 when an end state differs.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { JOBS, type JobName } from '../../receiver/derive/jobs.ts';
import { migrate } from '../../receiver/store/migrate.ts';
import { startFaultCluster } from '../helpers/fault_cluster.ts';
import { type JobKillResult, killJob } from '../helpers/job_kills.ts';
import { jobTemplates, seedJobs, startSink } from '../helpers/job_scene.ts';
import { createRandom } from '../helpers/random_spans.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    'process-kills': { type: 'string', default: '20' },
    job: { type: 'string', multiple: true },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    write: { type: 'boolean', default: false },
  },
});
const say = (line: string) => process.stdout.write(`${line}\n`);
const startedMs = Date.now();
const names = (Object.keys(JOBS) as JobName[]).filter((name) => values.job === undefined || values.job.includes(name));

const sink = await startSink();
const cluster = await startFaultCluster();
try {
  await migrate({ databaseUrl: cluster.url });
  await seedJobs(cluster.url);
  const serverUrl = new URL(cluster.url);
  serverUrl.pathname = '/postgres';
  const templateOf = await jobTemplates(serverUrl.href, new URL(cluster.url).pathname.slice(1), sink.url);
  const results: JobKillResult[] = [];
  for (const job of names) {
    const result = await killJob({
      serverUrl: serverUrl.href,
      template: templateOf(job),
      job,
      kills: Number(values.kills),
      processKills: Number(values['process-kills']),
      random: createRandom(Number(values.seed)),
      sink,
      onTrial: ({ trials, sessionKills, processKills, missed }) => {
        if (trials % 5 === 0)
          say(`  ${job}: ${trials} trials, ${sessionKills} + ${processKills} kills, ${missed} missed`);
      },
    });
    results.push(result);
    say(lineOf(result));
    for (const fault of result.faults) say(`  ${fault.slice(0, 500)}`);
  }
  if (values.write)
    writeFileSync(fileURLToPath(new URL('../../bench/results/jobs.md', import.meta.url)), report(results));
  process.exitCode = results.some(({ faults }) => faults.length > 0) ? 1 : 0;
} finally {
  await cluster.remove();
  await sink.close();
}

function lineOf(result: JobKillResult): string {
  const { job, sessionKills, processKills, missed, trials, aloneMs, rowsMoved, faults } = result;
  return `| ${job} | ${sessionKills} | ${processKills} | ${missed} | ${trials} | ${rowsMoved} | ${Math.round(aloneMs)} ms | ${faults.length} |`;
}

function report(results: JobKillResult[]): string {
  return [
    '# Jobs, killed',
    '',
    `Made by \`npm run fault:jobs\` on ${new Date(startedMs).toISOString().slice(0, 10)}, ${cpus().length} cores shared with other work, Node ${process.versions.node}, ${Math.round((Date.now() - startedMs) / 1000)} s, seed ${values.seed}.`,
    '',
    'Each job on its own copy of a database that has work for it. A kill counts when the job had begun and not ended; it ends all its',
    'sessions on the server, or is kill -9 of a process that runs `runledger job run`. After one to ten kills in a row the job is run until it',
    'changes nothing more, and the rows of every table (clocks and numbers given by sequences aside) and the partitions are held against those of',
    'a copy on which it was never disturbed. Every message that is noted as sent must have been received.',
    '',
    '| job | sessions ended | kill -9 | kills that met nothing | end states compared | rows it moves | alone | rows that differ |',
    '|---|---|---|---|---|---|---|---|',
    ...results.map(lineOf),
    '',
  ].join('\n');
}
