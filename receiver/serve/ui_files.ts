/**
 * The built dashboard in memory: what may be served is exactly what the build wrote, so that no path of a request ever reaches the file
 * system. Each file comes with its compressed forms, made by the build.
 */

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../store/sql.ts';

export type Encoding = 'br' | 'gzip' | 'identity';

export interface UiFile {
  /** Media type with charset. */
  type: string;
  /** Its name changes with its content, so that it never grows old. */
  immutable: boolean;
  /** Identity is always there. */
  bodies: Partial<Record<Encoding, Buffer>> & { identity: Buffer };
  /** Of the uncompressed content, in hexadecimal. */
  hash: string;
}

/** Where `npm run build` puts the dashboard. */
export const UI_FOLDER = join(PACKAGE_ROOT, 'dist', 'dashboard');

const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json; charset=utf-8',
};

/** Path below the folder, such as `index.html` or `assets/app-1a2b.js`, to the file; null when there is no built dashboard. */
export function loadUiFiles(folder = UI_FOLDER): ReadonlyMap<string, UiFile> | null {
  if (!existsSync(join(folder, 'index.html'))) return null;
  const files = new Map<string, UiFile>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
      .slice(folder.length + 1)
      .replaceAll('\\', '/');
    const type = TYPES[path.split('.').at(-1) ?? ''];
    if (entry.isFile() && type !== undefined) files.set(path, readUiFile(folder, path, type));
  }
  return files;
}

function readUiFile(folder: string, path: string, type: string): UiFile {
  const full = join(folder, path);
  const identity = readFileSync(full);
  const bodies: UiFile['bodies'] = { identity };
  if (existsSync(`${full}.br`)) bodies.br = readFileSync(`${full}.br`);
  if (existsSync(`${full}.gz`)) bodies.gzip = readFileSync(`${full}.gz`);
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 20);
  return { type, immutable: path.startsWith('assets/'), bodies, hash };
}
