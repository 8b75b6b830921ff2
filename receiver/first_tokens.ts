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
import type { Logger } from './log.ts';
import { inTransaction, retrying } from './store/pool.ts';
import { loadSql } from './store/sql.ts';
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

const LOCK_TRIES = 5;

/**
 * Sees to it that both tokens are registered. Starts on one database do it one after the other: between a look and what follows from it
 * another start could else make a token, and each would revoke the other's or hand out none.
 * @param operators speaks as runledger_operator
 * @throws StartError when the data folder cannot be written or holds an empty token file; the database error
 */
export function ensureFirstTokens(config: Config, operators: pg.Pool): Promise<FirstToken[]> {
  return retrying(LOCK_TRIES, () =>
    inTransaction(operators, async (client) => {
      await client.query(loadSql('queries/store/lock_first_tokens'));
      return [
        await ensureToken('admin', config.adminToken, config, client),
        await ensureToken('ingest', config.ingestToken, config, client),
      ];
    }),
  );
}

export function tokenPath(dataDir: string, kind: FirstTokenKind): string {
  return join(dataDir, `${kind}-token`);
}

async function ensureToken(
  kind: FirstTokenKind,
  configured: string | null,
  config: Config,
  client: pg.PoolClient,
): Promise<FirstToken> {
  if (configured !== null) {
    return { kind, token: configured, path: null, isNew: false, outcome: await seedToken(client, kind, configured) };
  }
  const path = tokenPath(config.dataDir, kind);
  const kept = await readKept(path);
  // A second receiver on a shared database must not make its own: registering it would revoke the first one's.
  if (kept === null && config.databaseUrl !== null && (await isRegistered(kind, client))) {
    return { kind, token: null, path: null, isNew: false, outcome: 'present' };
  }
  const token = kept ?? (await keepNew(path, kind, config.dataDir));
  return { kind, token, path, isNew: kept === null, outcome: await seedToken(client, kind, token) };
}

async function isRegistered(kind: FirstTokenKind, client: pg.PoolClient): Promise<boolean> {
  const name = `RUNLEDGER_${kind.toUpperCase()}_TOKEN`;
  const tokens = await listTokens(client);
  return tokens.some((token) => token.kind === kind && token.name === name && token.revokedAt === null);
}

async function readKept(path: string): Promise<string | null> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
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
  if (text !== '') return text;
  throw new StartError(
    `The token file ${path} is empty: remove it, and the next start makes a token, or put the token in it`,
  );
}

/** The file appears whole, and only once: two starts may share a data folder and not the database, whose lock parts all others. */
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

/** Where the tokens are, never what they are: the log may go anywhere. */
export function reportTokens(tokens: readonly FirstToken[], log: Logger): void {
  for (const { kind, path, isNew, outcome } of tokens) {
    if (outcome === 'revoked')
      log.warn({ kind, path }, 'this token was revoked and stays so: give the configuration another one');
    else if (isNew) log.info({ kind, path }, 'token made; it is in this file');
    else if (path === null && outcome === 'created') log.info({ kind }, 'token of the configuration registered');
  }
}
