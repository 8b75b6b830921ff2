/**
 * Makes a new cluster, complete with its password and the database runledger, beside its final place and then renames it there:
 * a start that is killed half-way leaves nothing that a later one could take for a cluster, and of two starts one wins.
 */
import { randomBytes } from 'node:crypto';
import { appendFile, chown, mkdir, open, readdir, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { loadSql } from '../store/sql.ts';
import type { Account } from './account.ts';
import { type Binaries, program } from './binaries.ts';
import { EmbeddedError, errorCode, messageOf, useOwnDatabase } from './errors.ts';
import type { Folder } from './folder.ts';
import { replaceFile } from './folder.ts';
import { isAlive, markOf, type Outcome, run } from './process.ts';
import { renderSettings, serverSettings } from './settings.ts';

export const superuser = 'postgres';
export const databaseName = 'runledger';

const passwordFile = 'superuser-password';
const settingsFile = 'runledger.conf';
// A new cluster takes 40 MB; the first WAL segments and the tables need the rest.
const freeBytesMin = 200 * 1024 * 1024;

/** The major version that made the cluster, or null when there is no cluster yet. */
export async function readMajor(cluster: string): Promise<number | null> {
  const text = await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return null;
    throw new EmbeddedError(`cannot read ${cluster} (${messageOf(error)}): run as the user who made it`);
  });
  return text === null ? null : Number.parseInt(text, 10);
}

/** The superuser's password. Throws EmbeddedError when it is gone or belongs to somebody else. */
export async function readPassword(cluster: string): Promise<string> {
  const path = join(cluster, passwordFile);
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw new EmbeddedError(`cannot read ${path} (${messageOf(error)}): run as the user who started the server`);
  }
}

/** Writes the settings for the coming start. */
export async function writeSettings(folder: Folder, overrides: Record<string, string>): Promise<void> {
  const path = join(folder.cluster, settingsFile);
  await replaceFile(path, renderSettings(serverSettings(overrides)), 0o600);
  await giveTo(folder.account, path);
}

/** Creates the cluster unless another start just did. Throws EmbeddedError with the end of initdb's output, never a password. */
export async function createCluster(folder: Folder, binaries: Binaries): Promise<void> {
  await removeAbandoned(folder.home);
  await requireSpace(folder.home);
  const half = `${folder.cluster}.new-${process.pid}-${randomBytes(4).toString('hex')}`;
  const password = randomBytes(24).toString('base64url');
  const passwordPath = `${half}.password`;
  try {
    await writeFile(passwordPath, `${password}\n`, { mode: 0o600, flag: 'wx' });
    await giveTo(folder.account, passwordPath);
    await mkdir(half, { mode: 0o700 });
    await giveTo(folder.account, half);
    await initialise(half, passwordPath, folder.account, binaries, password);
    await rename(passwordPath, join(half, passwordFile));
    await appendFile(join(half, 'postgresql.conf'), `\ninclude_if_exists = '${settingsFile}'\n`, { flush: true });
    await rename(half, folder.cluster);
    await syncFolder(folder.home);
  } catch (error) {
    // ENOTEMPTY: another start's cluster took the place first, and is as new as ours.
    if (errorCode(error) !== 'ENOTEMPTY' && errorCode(error) !== 'EEXIST') throw error;
  } finally {
    await rm(half, { recursive: true, force: true });
    await rm(passwordPath, { force: true });
  }
}

async function initialise(
  half: string,
  passwordPath: string,
  account: Account | null,
  binaries: Binaries,
  password: string,
): Promise<void> {
  const locale = ['-E', 'UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const access = ['-U', superuser, '--auth=scram-sha-256', `--pwfile=${passwordPath}`];
  const made = await run(program(binaries, 'initdb'), ['-D', half, ...locale, ...access], account);
  if (made.code !== 0) throw await creationFailed('initdb', made, dirname(half), password);
  // The single-user server creates the database before anyone can connect, so that a cluster without it never exists.
  const single = ['--single', '-j', '-D', half, '-c', 'exit_on_error=true', superuser];
  const created = await run(
    program(binaries, 'postgres'),
    single,
    account,
    loadSql('queries/embedded/create_database'),
  );
  if (created.code !== 0) throw await creationFailed('create database', created, dirname(half), password);
}

async function creationFailed(step: string, outcome: Outcome, home: string, password: string): Promise<EmbeddedError> {
  const tail = lastLines(outcome.output.replaceAll(password, '***'));
  const reason = outcome.failure === null ? tail : `${outcome.failure} ${tail}`;
  const space = await spaceHint(home);
  return new EmbeddedError(
    `PostgreSQL's data could not be created in ${home} (${step} failed)${space}, or ${useOwnDatabase}. It said:\n${reason}`,
  );
}

/** The last twenty lines, indented to stand below a message. */
export function lastLines(text: string): string {
  const lines = text.trimEnd().split('\n').slice(-20);
  return lines.map((line) => `  ${line}`).join('\n');
}

async function requireSpace(home: string): Promise<void> {
  const free = await freeBytes(home);
  if (free >= freeBytesMin) return;
  throw new EmbeddedError(
    `${home} has ${megabytes(free)} MB free, and PostgreSQL needs ${megabytes(freeBytesMin)} MB to begin with: free some space, or set RUNLEDGER_DATA_DIR to a larger disk`,
  );
}

/** What to add to a failure's message when the disk is nearly full. */
export async function spaceHint(home: string): Promise<string> {
  const free = await freeBytes(home);
  return free >= freeBytesMin / 4 ? ': see the reason below' : `: only ${megabytes(free)} MB are free, so make room`;
}

async function freeBytes(path: string): Promise<number> {
  const disk = await statfs(path);
  return disk.bavail * disk.bsize;
}

function megabytes(bytes: number): number {
  return Math.floor(bytes / (1024 * 1024));
}

/** Removes the unfinished clusters and copies of starts that are no longer there. */
async function removeAbandoned(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    const pid = Number(/^postgres.*\.new-(\d+)-/.exec(name)?.[1]);
    if (Number.isInteger(pid) && !(await isAlive(await markOf(pid)))) {
      await rm(join(home, basename(name)), { recursive: true, force: true });
    }
  }
}

async function giveTo(account: Account | null, path: string): Promise<void> {
  if (account !== null) await chown(path, account.uid, account.gid);
}

/** Makes the rename itself durable; Windows cannot open a folder, and needs no such thing. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}
