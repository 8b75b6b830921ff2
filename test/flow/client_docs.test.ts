/** The programs of docs/client.md: they compile in full strictness, run as they stand, and say and store what the ledger holds. */

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readParquet } from '../helpers/parquet_read.ts';
import { seedRun } from './api_seed.ts';
import { type ApiUnderTest, startApi, TENANT_A } from './api_server.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const programs = [...readFileSync(`${ROOT}docs/client.md`, 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(
  ([, text]) => text ?? '',
);
const files = programs.map((_, index) => `program_${index}.ts`);

let api: ApiUnderTest;
let folder: string;

beforeAll(async () => {
  api = await startApi();
  const startedAt = new Date('2026-11-22T01:30:05.000Z');
  await seedRun(api.owner, { tenantId: TENANT_A, runId: 4711, startedAt, status: 'failed' });
  folder = mkdtempSync(join(tmpdir(), 'runledger-client-docs-'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const [index, text] of programs.entries())
    writeFileSync(join(folder, files[index] ?? ''), `${text}export {};\n`);
  const compilerOptions = {
    ...{ target: 'es2023', module: 'nodenext', strict: true, noUncheckedIndexedAccess: true, skipLibCheck: true },
    ...{ exactOptionalPropertyTypes: true, noEmit: true, allowImportingTsExtensions: true, types: ['node'] },
    // The sources stand for the installed package.
    paths: { 'runledger/client': [join(ROOT, 'client/client.ts')] },
  };
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
});
afterAll(async () => {
  await api.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('they compile', async () => {
  expect(programs).toHaveLength(2);
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const asked = promisify(execFile)(process.execPath, [tsc, '-p', folder]);
  const { stdout } = await asked.catch((error: { stdout: string }) => error);
  expect(stdout).toBe('');
});

it('the first lists what failed, and says how many alerts fire', async () => {
  const { stdout, stderr } = await runProgram(0);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^4711 nightly_enrichment .+\n0 alerts fire\n$/);
});

it('the second stores the file of the newest run', async () => {
  const { stdout } = await runProgram(1);
  expect(stdout).toBe('run_events_7_4711.parquet\n');
  const { rowCount } = await readParquet(readFileSync(join(folder, stdout.trim())));
  const { rows } = await api.owner.query('select count(*)::int as n from run_event_logs where run_id = 4711');
  expect(rowCount).toBe(rows[0]?.n);
});

function runProgram(index: number): Promise<{ stdout: string; stderr: string }> {
  const { PATH = '', HOME = '' } = process.env;
  const env = {
    ...{ PATH, HOME, TSX_TSCONFIG_PATH: join(folder, 'tsconfig.json') },
    ...{ RUNLEDGER_URL: api.url, RUNLEDGER_TOKEN: api.tokens.a },
  };
  return promisify(execFile)(process.execPath, ['--import', 'tsx', files[index] ?? ''], { cwd: folder, env });
}
