/**
 * The database behind a command: DATABASE_URL, else the embedded server of the data folder. One that `runledger start` already runs is
 * used as it is; otherwise the embedded server is up for the time of the command.
 */

import type { Command } from 'commander';
import type pg from 'pg';
import type { Config } from '../config.ts';
import { readFolder } from '../embedded/folder.ts';
import { findEmbedded, startEmbedded } from '../embedded/start.ts';
import { migrate } from '../store/migrate.ts';
import { createPool, type DatabaseRole } from '../store/pool.ts';
import { type CliContext, configOf } from './command.ts';
import { CliError, EXIT } from './exit.ts';

export interface CommandDatabase {
  databaseUrl: string;
  config: Config;
  /** A small pool of this role, ended with the command. */
  pool(role: DatabaseRole, options?: { statementTimeoutMs?: number }): pg.Pool;
}

export interface DatabaseNeeds {
  /** Whether a ledger that does not exist yet is made: commands that only read have nothing to say without one. */
  creates?: boolean;
}

/** Runs `work` on the command's database and lets go of everything afterwards. */
export async function withDatabase<T>(
  command: Command,
  context: CliContext,
  work: (database: CommandDatabase) => Promise<T>,
  needs: DatabaseNeeds = {},
): Promise<T> {
  const config = configOf(command);
  const server = await findServer(config, context, needs);
  const pools: pg.Pool[] = [];
  try {
    return await work({
      databaseUrl: server.databaseUrl,
      config,
      pool: (role, options = {}) => {
        const pool = createPool({ databaseUrl: server.databaseUrl, role, maxConnections: 4, ...options });
        pools.push(pool);
        return pool;
      },
    });
  } finally {
    await Promise.all(pools.map((pool) => pool.end()));
    await server.stop();
  }
}

interface Server {
  databaseUrl: string;
  stop(): Promise<void>;
}

/** Where the database is, without any pool: what `migrate` needs. */
export async function findServer(config: Config, context: CliContext, needs: DatabaseNeeds): Promise<Server> {
  const nothing = async () => undefined;
  if (config.databaseUrl !== null) return { databaseUrl: config.databaseUrl, stop: nothing };
  const running = await findEmbedded(config.dataDir);
  if (running !== null) return { databaseUrl: running, stop: nothing };
  if (needs.creates !== true && (await readFolder(config.dataDir)) === null) {
    throw new CliError(
      EXIT.unreachable,
      `There is no ledger in ${config.dataDir} yet\nRun: runledger demo (or runledger start); or set DATABASE_URL or --data-dir`,
    );
  }
  const { terminal } = context;
  const embedded = await startEmbedded({ dataDir: config.dataDir, log: (message) => terminal.remark(message) });
  const stop = () => embedded.stop();
  try {
    // Nothing else uses a server that was down, so that this is the moment to bring its schema up to this version.
    await migrate({ databaseUrl: embedded.databaseUrl, log: () => undefined });
  } catch (error) {
    await stop();
    throw error;
  }
  return { databaseUrl: embedded.databaseUrl, stop };
}
