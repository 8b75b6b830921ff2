/**
 * One PostgreSQL server process: read what postmaster.pid says, see whether it is truly ours, start it, wait until it takes
 * connections, stop it. Only the server's own lock file and a connection with our password count as proof.
 */
import { spawn } from 'node:child_process';
import { link, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { runAs } from './account.ts';
import { type Binaries, program } from './binaries.ts';
import { databaseName, lastLines, readPassword, spaceHint, superuser } from './cluster.ts';
import { EmbeddedError } from './errors.ts';
import type { Folder } from './folder.ts';
import { answersSignals, isServerOf, run, serverEnvironment, serverProcesses, sleep } from './process.ts';
import { serverArguments } from './settings.ts';

/** A server that takes connections. */
export interface Running {
  pid: number;
  port: number;
  databaseUrl: string;
}

interface Postmaster {
  pid: number;
  port: number;
  status: string;
}

const pollMs = 50;
// Replay after a crash reads at most max_wal_size, which takes seconds; ten minutes is for a very slow disk.
const readyWithinMs = 600_000;
const reportEveryMs = 10_000;

/** Lines 1, 4 and 8 of postmaster.pid; null when there is none or it is not written to its end yet. */
export async function readPostmaster(cluster: string): Promise<Postmaster | null> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => null);
  const lines = text?.split('\n') ?? [];
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!Number.isInteger(pid) || pid <= 0 || !Number.isInteger(port) || port <= 0) return null;
  return { pid, port, status: (lines[7] ?? '').trim() };
}

/** The running server of the folder, or null: not running, still starting, or stopping. */
export async function findRunning(folder: Folder): Promise<Running | null> {
  const postmaster = await readPostmaster(folder.cluster);
  if (postmaster === null || postmaster.status !== 'ready') return null;
  if (!(await isServerOf(folder.cluster, postmaster.pid))) return null;
  return connectTo(folder, postmaster);
}

/** Whether a server process of the folder lives, ready or not. */
export async function isOccupied(folder: Folder): Promise<boolean> {
  const postmaster = await readPostmaster(folder.cluster);
  const cluster = folder.cluster;
  if (postmaster !== null && (await isServerOf(cluster, postmaster.pid))) return true;
  return (await serverProcesses(cluster)).length > 0;
}

/** Whether postmaster.pid is there, so that a start that failed may have met another server or the remains of one. */
export async function isLocked(folder: Folder): Promise<boolean> {
  return (await readPostmaster(folder.cluster)) !== null;
}

/**
 * Removes a lock file whose pid now belongs to another program or to a zombie, both usual in a restarted container: PostgreSQL
 * takes that for a living server and would refuse to start for ever. Every other stale file it removes itself.
 */
export async function removeStaleLock(folder: Folder): Promise<void> {
  // Elsewhere a cluster's processes cannot be listed, so that the file may protect backends that still live.
  if (process.platform !== 'linux' || (await isOccupied(folder))) return;
  const stale = await readPostmaster(folder.cluster);
  if (stale === null || !answersSignals(stale.pid)) return;
  const lock = join(folder.cluster, 'postmaster.pid');
  const aside = `${lock}.stale-${process.pid}`;
  await rename(lock, aside);
  // Between the look and the rename another start may have put its own file there, which must come back.
  const moved = await readFile(aside, 'utf8');
  if (Number(moved.split('\n')[0]) !== stale.pid) await link(aside, lock);
  await rm(aside, { force: true });
}

/** SCRAM proves both sides: only the server of this cluster can answer to its random password. */
async function connectTo(folder: Folder, postmaster: Postmaster): Promise<Running | null> {
  const password = await readPassword(folder.cluster);
  const databaseUrl = `postgresql://${superuser}:${password}@127.0.0.1:${postmaster.port}/${databaseName}`;
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return { pid: postmaster.pid, port: postmaster.port, databaseUrl };
  } catch (error) {
    // 53300: ours, but all its connections are taken, which is no reason to start another.
    if (error instanceof pg.DatabaseError && error.code === '53300') {
      return { pid: postmaster.pid, port: postmaster.port, databaseUrl };
    }
    if (error instanceof pg.DatabaseError && error.code === '3D000') {
      throw new EmbeddedError(
        `the embedded PostgreSQL has no database ${databaseName}: it was dropped; restore a backup or use a new data folder`,
      );
    }
    return null;
  }
}

/** How a start ended: a running server, or the reason why its process is gone. */
export type Launch = { running: Running } | { running: null; reason: string };

/** Starts the server on `port` and waits until it takes connections or ends. */
export async function launch(
  folder: Folder,
  binaries: Binaries,
  port: number,
  log: (message: string) => void,
): Promise<Launch> {
  const logPath = join(folder.home, 'postgres.log');
  const output = await open(logPath, 'w', 0o600);
  // Detached: Ctrl-C in the terminal reaches only us, and we stop the server once the work in flight is written.
  const child = spawn(program(binaries, 'postgres'), serverArguments(folder.cluster, port), {
    cwd: '/',
    env: serverEnvironment,
    detached: true,
    windowsHide: true,
    stdio: ['ignore', output.fd, output.fd],
    ...runAs(folder.account),
  });
  let ended: string | null = null;
  child.on('error', (error) => {
    ended = error.message;
  });
  child.on('exit', (code, signal) => {
    ended = signal === null ? `exit code ${code}` : `signal ${signal}`;
  });
  child.unref();
  await output.close();
  const begun = Date.now();
  for (let reported = begun; ended === null; await sleep(pollMs)) {
    const postmaster = await readPostmaster(folder.cluster);
    const running = postmaster?.pid === child.pid ? await findRunning(folder) : null;
    if (running !== null) return { running };
    if (Date.now() - begun > readyWithinMs) child.kill('SIGQUIT');
    if (Date.now() - reported < reportEveryMs) continue;
    reported = Date.now();
    log(
      `PostgreSQL is still starting after ${Math.round((reported - begun) / 1000)} s (after a crash it replays its log first)`,
    );
  }
  return { running: null, reason: await describeFailure(folder, logPath, ended) };
}

async function describeFailure(folder: Folder, logPath: string, ended: string): Promise<string> {
  const early = await readFile(logPath, 'utf8').catch(() => '');
  const late = await readNewestLog(join(folder.cluster, 'log'));
  const password = await readPassword(folder.cluster);
  const text = `${lastLines(early)}\n${lastLines(late)}`.replaceAll(password, '***');
  return `PostgreSQL ended (${ended})${await spaceHint(folder.home)}\n${text.trimEnd()}`;
}

/** The server's own log of today, which it opens early in its start; '' if it never came so far. */
async function readNewestLog(logFolder: string): Promise<string> {
  const names = await readdir(logFolder).catch(() => []);
  const files = await Promise.all(
    names.map(async (name) => ({ name, writtenMs: (await stat(join(logFolder, name))).mtimeMs })),
  );
  const newest = files.sort((a, b) => b.writtenMs - a.writtenMs)[0];
  return newest === undefined ? '' : readFile(join(logFolder, newest.name), 'utf8').catch(() => '');
}

/**
 * Stops the server: fast (sessions end, everything is written), and after `withinSeconds` immediately, which loses nothing that
 * was committed and costs a replay at the next start.
 */
export async function stopServer(folder: Folder, binaries: Binaries, withinSeconds: number): Promise<void> {
  for (const mode of ['fast', 'immediate']) {
    const args = ['stop', '-D', folder.cluster, '-m', mode, '-w', '-t', String(withinSeconds)];
    await run(program(binaries, 'pg_ctl'), args, folder.account);
    if (!(await isOccupied(folder))) return;
  }
  throw new EmbeddedError(`the embedded PostgreSQL in ${folder.cluster} does not stop`);
}
