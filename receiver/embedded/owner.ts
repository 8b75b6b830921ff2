/**
 * Who starts and stops the server. Several processes may share the server of one data folder; the one in postgres-owner.json, while
 * it lives, launches it and stops it on its way out. The file is made by a link, which fails where there is one already, so that
 * there is exactly one owner whatever the order of the starts.
 */
import { createHash, randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedError, errorCode, messageOf } from './errors.ts';
import type { Folder } from './folder.ts';
import { isAlive, markOf, type ProcessMark, sleep } from './process.ts';

export interface Owner extends ProcessMark {
  /** Tells two servers' handles inside one process apart. */
  handle: string;
}

export async function createOwner(): Promise<Owner> {
  return { ...(await markOf(process.pid)), handle: randomUUID() };
}

const successionPollMs = 10;

/** The living owner, or null when nobody is responsible for the server (any more). */
export async function readOwner(folder: Folder): Promise<Owner | null> {
  const text = await readText(pathOf(folder));
  return text === null ? null : livingOwnerOf(text);
}

/** The owner that a file's text names, or null when it is unreadable or its process is gone. */
async function livingOwnerOf(text: string): Promise<Owner | null> {
  const owner = parseOwner(text);
  return owner !== null && (await isAlive(owner)) ? owner : null;
}

function readText(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}

/** Makes `owner` the one responsible unless another living one is. True when it is now, or was already. */
export async function claim(folder: Folder, owner: Owner): Promise<boolean> {
  const path = pathOf(folder);
  const own = `${path}.${owner.handle}`;
  try {
    await writeFile(own, `${JSON.stringify(owner)}\n`, { mode: 0o600, flush: true });
    for (;;) {
      if (await linkUnlessThere(own, path)) return true;
      const holder = await readOwner(folder);
      if (holder !== null) return holder.handle === owner.handle;
      await removeDead(path, own);
    }
  } catch (error) {
    throw new EmbeddedError(`cannot write ${path} (${messageOf(error)}): give it the space or the rights it needs`);
  } finally {
    await rm(own, { force: true });
  }
}

async function linkUnlessThere(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes the file of an owner that is no more. Of those who see it dead only the one that holds its succession, a second file
 * named after the first one's text, may do so: else the slower one would remove what the faster one put in its place.
 */
async function removeDead(path: string, own: string): Promise<void> {
  const text = await readText(path);
  // Since the look that found it dead, a new owner may have come.
  if (text === null || (await livingOwnerOf(text)) !== null) return;
  const succession = `${path}.after-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
  if (await linkUnlessThere(own, succession)) {
    if ((await readText(path)) === text) await rm(path, { force: true });
    await rm(succession, { force: true });
    return;
  }
  const other = await readText(succession);
  // A successor that was killed in this very moment leaves its file; nobody else waits for more than an instant.
  if (other !== null && !(await livingOwnerOf(other))) await rm(succession, { force: true });
  await sleep(successionPollMs);
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
