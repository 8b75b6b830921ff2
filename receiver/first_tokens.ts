/**
 * The admin and the ingest token that every installation has from its first start: those of the configuration, else made once and kept in
 * the data folder with mode 0600.
 */

import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import type { Config } from './config.ts';
import { StartError } from './listen.ts';
import { generateToken, listTokens, type SeedOutcome, seedToken } from './store/tokens.ts';

export type FirstTokenKind = 'admin' | 'ingest';

export interface FirstToken {
  kind: FirstTokenKind;
  /** null: registered by another receiver on the same database, whose data folder has it. */
  token: string | null;
  /** null: the token came from the configuration, or is with another receiver. */
  path: string | null;
  /** Whether this start made it. */
  isNew: boolean;
  outcome: SeedOutcome;
}

/**
 * Sees to it that both tokens are registered.
 * @param operators speaks as runledger_operator
 * @throws StartError when the data folder cannot be written; the database error
 */
export async function ensureFirstTokens(config: Config, operators: pg.Pool): Promise<FirstToken[]> {
  return [
    await ensureToken('admin', config.adminToken, config, operators),
    await ensureToken('ingest', config.ingestToken, config, operators),
  ];
}

export function tokenPath(dataDir: string, kind: FirstTokenKind): string {
  return join(dataDir, `${kind}-token`);
}

async function ensureToken(
  kind: FirstTokenKind,
  configured: string | null,
  config: Config,
  operators: pg.Pool,
): Promise<FirstToken> {
  if (configured !== null) {
    return { kind, token: configured, path: null, isNew: false, outcome: await seedToken(operators, kind, configured) };
  }
  const path = tokenPath(config.dataDir, kind);
  const kept = await readKept(path);
  // A second receiver on a shared database must not make its own: registering it would revoke the first one's.
  if (kept === null && config.databaseUrl !== null && (await isRegistered(kind, operators))) {
    return { kind, token: null, path: null, isNew: false, outcome: 'present' };
  }
  const token = kept ?? (await keepNew(path, kind, config.dataDir));
  return { kind, token, path, isNew: kept === null, outcome: await seedToken(operators, kind, token) };
}

async function isRegistered(kind: FirstTokenKind, operators: pg.Pool): Promise<boolean> {
  const name = `RUNLEDGER_${kind.toUpperCase()}_TOKEN`;
  const tokens = await listTokens(operators);
  return tokens.some((token) => token.kind === kind && token.name === name && token.revokedAt === null);
}

async function readKept(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim() || null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new StartError(
      `The token file ${path} cannot be read (${code ?? 'unknown error'}): run as the user who made it`,
      {
        cause: error,
      },
    );
  }
}

/** Two starts at once agree on one token: the file appears whole, and only once. */
async function keepNew(path: string, kind: FirstTokenKind, dataDir: string): Promise<string> {
  const half = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await writeFile(half, `${generateToken(kind)}\n`, { mode: 0o600, flag: 'wx', flush: true });
    await link(half, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    const variable = `RUNLEDGER_${kind.toUpperCase()}_TOKEN`;
    const { code } = cause as NodeJS.ErrnoException;
    throw new StartError(
      `The ${kind} token cannot be kept in ${dataDir} (${code ?? 'unknown error'}): make the folder writable, or set ${variable}`,
      { cause },
    );
  } finally {
    await rm(half, { force: true });
  }
}
