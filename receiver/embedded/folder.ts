/**
 * Where the embedded PostgreSQL keeps its things. The data folder always holds `postgres.json`, which says where the rest is:
 *   postgres/              the cluster; PG_VERSION in it, its superuser's password in superuser-password (0600)
 *   postgres.log           what the server says before its own log (postgres/log) is open
 *   postgres-owner.json    the process that stops the server on its way out
 *   postgres-binaries-V/   a copy of the programs, only where they cannot run in place
 * The rest lies in the data folder itself, except when root runs us and PostgreSQL's account cannot get there (a project in root's home):
 * then it lies in a folder of its own below /var/lib/runledger.
 */
import { createHash } from 'node:crypto';
import {
  chmod,
  chown,
  lchown,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { type Account, canReach, chooseAccount, isRoot } from './account.ts';
import { EmbeddedError, errorCode, messageOf } from './errors.ts';

export interface Folder {
  dataDir: string;
  /** The folder that holds the cluster. */
  home: string;
  cluster: string;
  account: Account | null;
  /** The port of the last start, kept while it is free. */
  port: number | null;
}

interface FolderRecord {
  /** Absolute, or '.' for the data folder itself, so that it can be moved. */
  home: string;
  major: number | null;
  port: number | null;
}

const recordName = 'postgres.json';

/** Reads an existing data folder without changing anything; null when no embedded PostgreSQL was ever started in it. */
export async function readFolder(dataDir: string): Promise<Folder | null> {
  const folder = await realpath(resolve(dataDir)).catch(() => null);
  if (folder === null) return null;
  const record = await readRecord(folder);
  return record === null ? null : describe(folder, resolve(folder, record.home), record.port);
}

/** Opens the data folder for a start: creates it, and decides once where the cluster goes. */
export async function openFolder(dataDir: string, log: (message: string) => void): Promise<Folder> {
  const folder = await createDataDir(dataDir);
  const record = await readRecord(folder);
  const home = record === null ? await chooseHome(folder, log) : resolve(folder, record.home);
  if (home !== folder) await makePassable(home);
  const described = await describe(folder, home, record?.port ?? null);
  await reclaim(described, log);
  return described;
}

/** Remembers what the next start and the commands beside this one need to know. */
export async function writeRecord(folder: Folder, major: number, port: number): Promise<void> {
  const record: FolderRecord = { home: folder.home === folder.dataDir ? '.' : folder.home, major, port };
  await replaceFile(join(folder.dataDir, recordName), `${JSON.stringify(record, null, 2)}\n`, 0o600);
}

/** Writes a file so that a reader sees the old or the new text, never half of one. */
export async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const half = `${path}.new-${process.pid}-${process.hrtime.bigint()}`;
  try {
    await writeFile(half, text, { mode, flush: true });
    await rename(half, path);
  } catch (error) {
    await rm(half, { force: true });
    throw new EmbeddedError(`cannot write ${path} (${messageOf(error)}): give it the space or the rights it needs`);
  }
}

async function describe(dataDir: string, homePath: string, port: number | null): Promise<Folder> {
  // Real paths throughout: the system reports a server's working folder without symbolic links.
  const home = await realpath(homePath).catch(() => homePath);
  const cluster = join(home, 'postgres');
  const owner = await stat(cluster).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return null;
    throw new EmbeddedError(
      `cannot read ${cluster} (${messageOf(error)}): run as the user who made it, or choose another data folder`,
    );
  });
  return { dataDir, home, cluster, account: await chooseAccount(owner?.uid ?? null), port };
}

/** Gives the cluster to its account where root copied or restored it, so that it belongs to root or to nobody here. */
async function reclaim(folder: Folder, log: (message: string) => void): Promise<void> {
  const { cluster, account } = folder;
  const owner = await stat(cluster).catch(() => null);
  if (account === null || owner === null || owner.uid === account.uid) return;
  log(`giving ${cluster} to ${account.name}, as whom PostgreSQL runs`);
  for (const entry of await readdir(cluster, { recursive: true })) {
    await lchown(join(cluster, entry), account.uid, account.gid);
  }
  await chmod(cluster, 0o700);
  await chown(cluster, account.uid, account.gid);
}

async function createDataDir(dataDir: string): Promise<string> {
  try {
    await mkdir(resolve(dataDir), { recursive: true, mode: isRoot() ? 0o711 : 0o700 });
    return await realpath(resolve(dataDir));
  } catch (error) {
    throw new EmbeddedError(
      `cannot create the data folder ${resolve(dataDir)} (${messageOf(error)}): set RUNLEDGER_DATA_DIR to a folder you may write to`,
    );
  }
}

async function chooseHome(folder: string, log: (message: string) => void): Promise<string> {
  const account = await chooseAccount(null);
  if (account === null || (await canReach(folder, account))) return folder;
  if (await canReach(dirname(folder), account)) {
    // Only the data folder itself is closed, and it is ours: passage alone does not let anyone list or read what is in it.
    await chmod(folder, ((await stat(folder)).mode & 0o777) | 0o011);
    return folder;
  }
  const name = `${basename(folder).replace(/[^\w-]/g, '_')}-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`;
  const home = await firstUsable(['/var/lib/runledger', join(tmpdir(), 'runledger')], account, name);
  log(`PostgreSQL runs as ${account.name}, who cannot enter ${folder}: its data is kept in ${home}`);
  return home;
}

async function firstUsable(bases: string[], account: Account, name: string): Promise<string> {
  for (const base of bases) {
    const isMade = await makePassable(base).then(
      () => true,
      () => false,
    );
    if (isMade && (await canReach(base, account))) return join(base, name);
  }
  throw new EmbeddedError(
    `no folder found that ${account.name} can enter: set RUNLEDGER_DATA_DIR to one, for example below /srv`,
  );
}

/** Others may pass through to what they know by name, but not look around; the cluster and all secrets have closed modes. */
async function makePassable(path: string): Promise<void> {
  const created = await mkdir(path, { recursive: true });
  // Not left to mkdir, whose mode a strict umask narrows.
  if (created !== undefined) await chmod(path, 0o711);
}

async function readRecord(folder: string): Promise<FolderRecord | null> {
  const path = join(folder, recordName);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return null;
    throw new EmbeddedError(`cannot read ${path} (${messageOf(error)}): run as the user who started the server`);
  });
  if (text === null) return null;
  const record = parseRecord(text);
  if (record === null)
    throw new EmbeddedError(`${path} is damaged: restore it, or remove it if ${join(folder, 'postgres')} exists`);
  return record;
}

function parseRecord(text: string): FolderRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || !('home' in value)) return null;
  const { home } = value;
  if (typeof home !== 'string' || (home !== '.' && !isAbsolute(home))) return null;
  const numberOf = (field: unknown) => (typeof field === 'number' && Number.isInteger(field) ? field : null);
  return {
    home,
    major: 'major' in value ? numberOf(value.major) : null,
    port: 'port' in value ? numberOf(value.port) : null,
  };
}
