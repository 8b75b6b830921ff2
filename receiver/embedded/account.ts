/**
 * Decides under which account PostgreSQL runs. The server refuses uid 0, so that a root process starts it as another, existing
 * account: no user is ever created on the machine. An ordinary user runs it as himself, which is the account null.
 */
import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { EmbeddedError, errorCode, useOwnDatabase } from './errors.ts';

export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/** Spawn options that make a child run as the account; empty for our own. */
export function runAs(account: Account | null): { uid?: number; gid?: number } {
  return account === null ? {} : { uid: account.uid, gid: account.gid };
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * The account for the server.
 * @param ownerUid uid that owns the existing cluster, or null: a cluster made by an ordinary user stays his when root starts it.
 * @throws EmbeddedError when the process is root and the machine has no other account to use.
 */
export async function chooseAccount(ownerUid: number | null): Promise<Account | null> {
  if (!isRoot()) return null;
  const accounts = parseAccounts(await readFile('/etc/passwd', 'utf8').catch(() => ''));
  const owner = ownerUid === null || ownerUid === 0 ? undefined : accounts.find((account) => account.uid === ownerUid);
  const chosen = owner ?? accounts.find((a) => a.name === 'postgres') ?? accounts.find((a) => a.name === 'nobody');
  // initdb asks for the name of its uid, so that a uid without a line in /etc/passwd would fail there.
  if (chosen !== undefined) return chosen;
  throw new EmbeddedError(
    `PostgreSQL refuses to run as root, and /etc/passwd has neither postgres nor nobody: run as an ordinary user, or ${useOwnDatabase}`,
  );
}

/** Lines of /etc/passwd whose uid is usable and not root's. */
export function parseAccounts(passwd: string): Account[] {
  const accounts: Account[] = [];
  for (const line of passwd.split('\n')) {
    const [name, , uidText, gidText] = line.split(':');
    const uid = Number(uidText);
    const gid = Number(gidText);
    if (!name || !Number.isInteger(uid) || !Number.isInteger(gid) || uid === 0) continue;
    // macOS writes nobody as -2, which the system calls take as an unsigned number.
    accounts.push({ name, uid: uid >>> 0, gid: gid >>> 0 });
  }
  return accounts;
}

/** Whether the account may pass through `path` and every folder above it; parts that do not exist yet count as passable. */
export async function canReach(path: string, account: Account | null): Promise<boolean> {
  if (account === null) return true;
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    if (!(await isPassable(folder, account))) return false;
    if (folder === dirname(folder)) return true;
  }
}

async function isPassable(folder: string, account: Account): Promise<boolean> {
  try {
    const entry = await stat(folder);
    const shift = entry.uid === account.uid ? 6 : entry.gid === account.gid ? 3 : 0;
    return ((entry.mode >> shift) & 0o1) === 0o1;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return true;
    throw error;
  }
}
