/**
 * Who stops the server. Several processes may share the server of one data folder; the last one written to postgres-owner.json,
 * while it lives, is the one that stops it on its way out, so that there is exactly one whatever the order of the starts.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Folder, replaceFile } from './folder.ts';
import { isAlive, markOf, type ProcessMark } from './process.ts';

export interface Owner extends ProcessMark {
  /** Tells two servers' handles inside one process apart. */
  handle: string;
}

export async function createOwner(): Promise<Owner> {
  return { ...(await markOf(process.pid)), handle: randomUUID() };
}

/** The living owner, or null when nobody is responsible for the server (any more). */
export async function readOwner(folder: Folder): Promise<Owner | null> {
  const text = await readFile(pathOf(folder), 'utf8').catch(() => null);
  const owner = text === null ? null : parseOwner(text);
  return owner !== null && (await isAlive(owner)) ? owner : null;
}

export async function writeOwner(folder: Folder, owner: Owner): Promise<void> {
  await replaceFile(pathOf(folder), `${JSON.stringify(owner)}\n`, 0o600);
}

export async function removeOwner(folder: Folder): Promise<void> {
  await rm(pathOf(folder), { force: true });
}

function pathOf(folder: Folder): string {
  return join(folder.home, 'postgres-owner.json');
}

function parseOwner(text: string): Owner | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  if (!('pid' in value && 'startTicks' in value && 'handle' in value)) return null;
  const { pid, startTicks, handle } = value;
  if (typeof pid !== 'number' || typeof handle !== 'string') return null;
  return { pid, startTicks: typeof startTicks === 'string' ? startTicks : null, handle };
}
