/**
 * The package as a stranger gets it: packed, installed into an empty folder elsewhere with install scripts off, started, fed through its
 * SDK and asked. What is missing from the tarball or resolves only inside this repository shows here and nowhere else.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const REPOSITORY = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const MINUTE_MS = 60_000;

const work = mkdtempSync(join(tmpdir(), 'runledger-package-'));
const project = join(work, 'project');
const dataDir = join(work, 'data');

interface Packed {
  filename: string;
  version: string;
  files: { path: string; mode: number }[];
}

let packed: Packed;
let receiver: Started | undefined;

beforeAll(async () => {
  const { stdout } = await command('npm', ['pack', '--json', '--pack-destination', work], REPOSITORY);
  packed = firstOf(JSON.parse(stdout));
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "stranger", "private": true, "type": "module" }');
  const tarball = join(work, packed.filename);
  await command('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', tarball], project);
}, 4 * MINUTE_MS);

afterAll(async () => {
  await receiver?.stop('SIGKILL');
  rmSync(work, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}, 3 * MINUTE_MS);

test('the tarball holds what runs and what people read, and nothing of the workshop', () => {
  const paths = packed.files.map(({ path }) => path);
  for (const path of [
    'dist/receiver/cli/main.js',
    'dist/sdk/index.js',
    'dist/sdk/index.d.ts',
    'dist/client/client.js',
    'dist/client/client.d.ts',
    'docs/client.md',
    'dist/dashboard/index.html',
    'dist/dashboard/index.html.br',
    'sql/migrations/0001_tables.sql',
    'sql/queries/serve/runs.sql',
    'otel-collector.yaml',
    'README.md',
    'CHANGELOG.md',
    'LICENSE',
  ]) {
    expect(paths).toContain(path);
  }
  expect(paths.filter((path) => /^(test|bench|\.ci|receiver|sdk|client|\.runledger)\//.test(path))).toEqual([]);
  expect(paths.filter((path) => path.endsWith('.tsbuildinfo'))).toEqual([]);
});

test('runledger --version prints the version of the package', async () => {
  const { stdout } = await runledger(['--version']);
  expect(stdout.trim()).toBe(packed.version);
});

test(
  'a TypeScript project gets the types of all entries, in full strictness',
  async () => {
    const tsc = join(REPOSITORY, 'node_modules', 'typescript', 'bin', 'tsc');
    const types = join(project, 'node_modules', '@types', 'node');
    mkdirSync(dirname(types), { recursive: true });
    cpSync(join(REPOSITORY, 'node_modules', '@types', 'node'), types, { recursive: true });
    cpSync(join(REPOSITORY, 'node_modules', 'undici-types'), join(project, 'node_modules', 'undici-types'), {
      recursive: true,
    });
    writeFileSync(join(project, 'typed.ts'), TYPED_PROGRAM);
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          target: 'es2023',
          lib: ['es2023'],
          module: 'nodenext',
          moduleResolution: 'nodenext',
          strict: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: false,
          types: ['node'],
          noEmit: true,
        },
        files: ['typed.ts'],
      }),
    );
    const { stdout } = await command(process.execPath, [tsc, '-p', project], project);
    expect(stdout).toBe('');
  },
  MINUTE_MS,
);

test('whoever only wants the SDK or the client loads neither the database driver nor the servers', async () => {
  expect(await receiverPackagesLoadedBy('runledger/sdk')).toEqual([]);
  expect(await receiverPackagesLoadedBy('runledger/client')).toEqual([]);
  // The other entry does, so that an empty list above means something.
  expect(await receiverPackagesLoadedBy('runledger')).toEqual(expect.arrayContaining(['express', 'pg']));
});

async function receiverPackagesLoadedBy(entry: string): Promise<string[]> {
  const program = `
    import { createRequire } from 'node:module';
    await import('${entry}');
    console.log(JSON.stringify(Object.keys(createRequire(import.meta.url).cache)));
  `;
  const { stdout } = await command(process.execPath, ['--input-type=module', '--eval', program], project);
  const paths: string[] = JSON.parse(stdout);
  return ['express', 'graphile-worker', 'pg'].filter((name) =>
    paths.some((path) => path.includes(`/node_modules/${name}/`)),
  );
}

test(
  'npx runledger start comes up, takes a run from the installed SDK, and ends in order',
  async () => {
    receiver = await start();
    const ready = await fetch(`${receiver.urls.api}/readyz`);
    expect(ready.status).toBe(200);

    writeFileSync(join(project, 'pipeline.mjs'), PIPELINE);
    const ingestToken = readFileSync(join(dataDir, 'ingest-token'), 'utf8').trim();
    await command(process.execPath, ['pipeline.mjs'], project, {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.urls.otlpHttp,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${ingestToken}`,
    });

    const adminToken = readFileSync(join(dataDir, 'admin-token'), 'utf8').trim();
    const answer = await fetch(`${receiver.urls.api}/runs/4711/stats?tenant=7`, {
      headers: { authorization: `Bearer ${adminToken}` },
    });
    expect(answer.status).toBe(200);
    const stats = await answer.json();
    expect(stats).toMatchObject({
      run_id: 4711,
      stage_stats: [{ stage: 'crawl', count_total: 3, count_success: 2, count_error: 1 }],
      vendor_usage: [{ vendor: 'hunter', calls: 3, errors: 1 }],
    });
    writeFileSync(join(project, 'reader.mjs'), READER);
    const { stdout } = await command('node', ['reader.mjs'], project, {
      URL_OF_API: receiver.urls.api,
      TOKEN: adminToken,
    });
    expect(JSON.parse(stdout)).toEqual({ runs: [4711], stages: ['crawl'], parquet: 'PAR1', refused: 404 });

    const audit = JSON.parse((await runledger(['audit', '--json'])).stdout);
    expect(audit).toMatchObject({ difference: 0, runs_checked: 1 });

    expect(await receiver.stop('SIGTERM')).toContain('finishing the requests in flight');
    await expect(fetch(`${receiver.urls.api}/healthz`)).rejects.toThrow();
    receiver = undefined;
  },
  3 * MINUTE_MS,
);

const PIPELINE = `
  import { item, run, setup, stage, vendorCall } from 'runledger/sdk';
  const telemetry = setup({ serviceName: 'stranger' });
  await run({ tenant: 7, pipeline: 'nightly', id: 4711 }, () =>
    stage('crawl', async () => {
      for (const id of [1, 2, 3]) {
        await item(id, () => vendorCall('hunter', async () => { if (id === 3) throw new Error('no answer'); }))
          .catch(() => undefined);
      }
    }));
  await telemetry.shutdown();
`;

const READER = `
  import { createClient, RunledgerError } from 'runledger/client';
  const client = createClient({ url: process.env.URL_OF_API, token: process.env.TOKEN });
  const runs = [];
  for await (const run of client.runs.list({ tenant: 7 })) runs.push(run.run_id);
  const { stage_stats } = await client.runs.stats(4711, { tenant: 7 });
  const file = await client.exports.runEvents(4711, 'parquet', { tenant: 7 });
  const parquet = (await new Response(file.stream).text()).slice(0, 4);
  const refused = await client.runs.get(999).catch((error) => error instanceof RunledgerError && error.status);
  console.log(JSON.stringify({ runs, stages: stage_stats.map(({ stage }) => stage), parquet, refused }));
`;

const TYPED_PROGRAM = `
  import { createLog, loadConfig, type Receiver, startReceiver } from 'runledger';
  import { type Client, createClient, type RunDetail } from 'runledger/client';
  import { type Run, run, setup, type SdkStats } from 'runledger/sdk';

  export async function embed(): Promise<string> {
    const receiver: Receiver = await startReceiver(loadConfig(), { log: createLog({ level: 'info' }), version: '1' });
    return receiver.urls.otlpHttp;
  }
  const stats: SdkStats = setup({ serviceName: 'typed' }).stats();
  export const lost: number = stats.dropped;
  export const answer: Promise<number> = run({ tenant: 7, pipeline: 'nightly' }, async (current: Run) => {
    current.metric('candidates_selected', 12);
    return 42;
  });
  const client: Client = createClient({ url: 'http://127.0.0.1:8080' });
  export const detail: Promise<RunDetail> = client.runs.get(4711, { tenant: 7 });
  // @ts-expect-error the answers have types: money is text
  export const cost: Promise<number> = client.runs.get(4711).then((one) => one.cost_usd);
  // @ts-expect-error a run without a tenant is a mistake that the compiler sees: the types are not any
  run({ pipeline: 'nightly' }, async () => 1);
  // @ts-expect-error what a run returns keeps its type
  export const text: Promise<string> = run({ tenant: 7, pipeline: 'nightly' }, async () => 42);
`;

interface Started {
  urls: { otlpHttp: string; api: string };
  /** Signals the process group, waits until every process of it is gone, and returns what they wrote. */
  stop(signal: NodeJS.Signals): Promise<string>;
}

async function start(): Promise<Started> {
  const child = spawn('npx', ['runledger', 'start'], {
    cwd: project,
    env: {
      ...cleanEnvironment(),
      RUNLEDGER_OTLP_HTTP_PORT: '0',
      RUNLEDGER_OTLP_GRPC_PORT: '0',
      RUNLEDGER_HTTP_PORT: '0',
      RUNLEDGER_TENANT_AUTOCREATE: '1',
    },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (signal: NodeJS.Signals) => {
    signalGroup(child, signal);
    await closed;
    return output;
  };
  try {
    await expect.poll(() => output, { timeout: MINUTE_MS }).toContain('"msg":"ready"');
  } catch (cause) {
    await stop('SIGKILL');
    throw new Error(`runledger did not start: ${output}`, { cause });
  }
  const urls = JSON.parse(output.split('\n').find((line) => line.includes('"msg":"ready"')) ?? '{}');
  return { urls, stop };
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function runledger(args: string[]) {
  return command('npx', ['runledger', ...args], project);
}

async function command(program: string, args: string[], cwd: string, environment: Record<string, string> = {}) {
  try {
    return await promisify(execFile)(program, args, {
      cwd,
      env: { ...cleanEnvironment(), ...environment },
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(' ')} failed: ${stdout}${stderr}`, { cause: error });
  }
}

/** Without what npm and vitest put there for this repository: a stranger's shell has none of it. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|vitest|node_env|node_path|node_options|init_cwd|otel_|runledger_|database_url)/i.test(name),
  );
  const path = (process.env.PATH ?? '')
    .split(':')
    .filter((folder) => !folder.startsWith(join(REPOSITORY, 'node_modules')));
  return { ...Object.fromEntries(kept), PATH: path.join(':'), RUNLEDGER_DATA_DIR: dataDir };
}

function firstOf<T>(list: T[]): T {
  const [first] = list;
  if (first === undefined) throw new Error('npm pack named no package');
  return first;
}
