/**
 * The percentiles of a million random durations of each of five distributions against sorting outside the database.
 *
 *     npx tsx test/proof/percentiles.ts [--durations 1000000] [--write]
 *
 * Exit code 1 when an exact percentile differs or a trend is off by more than 1%. --write keeps the result.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { migrate } from '../../receiver/store/migrate.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { startFaultCluster } from '../helpers/fault_cluster.ts';
import { type DistributionResult, provePercentiles, type TrendErrors } from '../helpers/percentile_proof.ts';

const TREND_ERROR_MAX = 0.01;
const { values } = parseArgs({
  options: { durations: { type: 'string', default: '1000000' }, write: { type: 'boolean', default: false } },
});
const say = (line: string) => process.stdout.write(`${line}\n`);

const startedMs = Date.now();
const cluster = await startFaultCluster();
try {
  await migrate({ databaseUrl: cluster.url });
  const owner = createPool({
    databaseUrl: cluster.url,
    role: 'runledger_owner',
    maxConnections: 4,
    statementTimeoutMs: 0,
  });
  const superuser = new pg.Pool({ connectionString: cluster.url, max: 1 });
  const version = (await owner.query<{ v: string }>(`select current_setting('server_version') as v`)).rows[0]?.v;
  const results = await provePercentiles({ owner, superuser }, Number(values.durations), say);
  await Promise.all([owner.end(), superuser.end()]);
  const text = report(results, version ?? '');
  say(text);
  for (const { exactDifferent } of results) for (const line of exactDifferent.slice(0, 20)) say(line);
  if (values.write) writeFileSync(fileURLToPath(new URL('../../bench/results/percentiles.md', import.meta.url)), text);
  process.exitCode = results.every(isRight) ? 0 : 1;
} finally {
  await cluster.remove();
}

function isRight({ exactDifferent, oneRun, manyRuns }: DistributionResult): boolean {
  const isNear = (errors: TrendErrors) => errors.relativeMax <= TREND_ERROR_MAX && errors.belowMsMax < 1e-9;
  return exactDifferent.length === 0 && isNear(oneRun) && isNear(manyRuns);
}

function report(results: DistributionResult[], version: string): string {
  const percent = ({ compared, relativeMax }: TrendErrors) =>
    compared === 0 ? '' : `${(relativeMax * 100).toFixed(3)}% of ${compared}`;
  const exact = ({ exactCompared, exactDifferent }: DistributionResult) =>
    exactCompared === 0 ? '' : `${exactDifferent.length} of ${exactCompared}`;
  return [
    '# Percentiles against sorting',
    '',
    `Made by \`npm run proof:percentiles\` on ${new Date(startedMs).toISOString().slice(0, 10)}, ${cpus().length} cores, Node ${process.versions.node}, PostgreSQL ${version}, ${Math.round((Date.now() - startedMs) / 1000)} s.`,
    '',
    'Random durations in whole milliseconds with fixed seeds, as items, vendor calls and stages of nine runs a distribution, from more than half of',
    'all durations down to one; beside them rows that do not count (skipped, tried again, without a duration, starts). The other side of each',
    'comparison is sorting and interpolating in TypeScript (test/helpers/durations.ts); it knows neither the SQL nor the buckets.',
    '',
    '| distribution | durations | p50, p95, p99 of stages and vendors that differ | trend of one run, largest error | trend merged over runs, largest error |',
    '|---|---|---|---|---|',
    ...results.map(
      (result) =>
        `| ${result.name} | ${result.durations.toLocaleString('en')} | ${exact(result)} | ${percent(result.oneRun)} | ${percent(result.manyRuns)} |`,
    ),
    '',
    'Exact ones have to be equal after rounding half up, trends within 1% of the unrounded quantile from 1 ms on and equal below. Trends are asked',
    'for 15 fractions from 0 to 1, of every run, and of all runs and twelve random sets of them. CI does the same with 3,000 durations of each.',
    '',
  ].join('\n');
}
