/**
 * Builds the dashboard into dist/dashboard, each file with its compressed forms beside it. Does nothing when nothing changed, because every
 * start asks for it, and puts the finished folder in place in one step, because another process may be serving the old one.
 */

import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const HERE = dirname(fileURLToPath(import.meta.url));
const DIST = join(dirname(HERE), 'dist');
const TARGET = join(DIST, 'dashboard');
const COMPRESSIBLE = /\.(html|js|css|svg|json)$/;

if (!isFresh()) await rebuild();

/** By times alone: the built page is newer than every file that it is made of. */
function isFresh(): boolean {
  const built = join(TARGET, 'index.html');
  if (!existsSync(built)) return false;
  const builtMs = statSync(built).mtimeMs;
  const sources = [...filesBelow(HERE), join(dirname(HERE), 'package.json')];
  return sources.every((path) => statSync(path).mtimeMs < builtMs);
}

async function rebuild(): Promise<void> {
  const fresh = join(DIST, `.dashboard-${process.pid}`);
  const old = `${fresh}-old`;
  try {
    // Loaded only when there is something to build: it takes longer than looking.
    const { build } = await import('vite');
    await build({
      root: HERE,
      base: '/ui/',
      configFile: false,
      logLevel: 'warn',
      clearScreen: false,
      oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
      build: {
        outDir: fresh,
        emptyOutDir: true,
        target: 'es2022',
        // These know light-dark() themselves; what stands in for it elsewhere ignores the choice between light and dark.
        cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
        // A page under a strict policy loads its own files and nothing written into it.
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        reportCompressedSize: false,
      },
    });
    for (const path of filesBelow(fresh)) compress(path);
    if (existsSync(TARGET)) renameSync(TARGET, old);
    renameSync(fresh, TARGET);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
}

function compress(path: string): void {
  if (!COMPRESSIBLE.test(path)) return;
  const body = readFileSync(path);
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  writeFileSync(`${path}.br`, brotliCompressSync(body, quality));
  writeFileSync(`${path}.gz`, gzipSync(body, { level: 9 }));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
