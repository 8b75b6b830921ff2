/** How tests start the command line in a process of its own: the build where it is up to date, which starts in a third of the time, else the sources. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SOURCE = join(ROOT, 'receiver/cli/main.ts');
const BUILT = join(ROOT, 'dist/receiver/cli/main.js');
const BUILD_RECORD = join(ROOT, 'dist/.tsbuildinfo');

/** Arguments for `process.execPath`, before those of the command. */
export const CLI_PROGRAM: readonly string[] = isBuilt() ? [BUILT] : ['--import', 'tsx', SOURCE];

function isBuilt(): boolean {
  const built = changedMs(BUILT) === 0 ? 0 : changedMs(BUILD_RECORD);
  return built > 0 && ['sdk', 'receiver', 'demo'].every((folder) => newestMs(join(ROOT, folder)) < built);
}

function newestMs(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return Math.max(0, ...files.map((file) => changedMs(join(folder, file))));
}

/** 0: not there. */
function changedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
