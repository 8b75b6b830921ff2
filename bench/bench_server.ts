/** The embedded PostgreSQL of a bench, with the settings of the product: in a temporary folder, or in one that is kept so that a seed serves twice. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbedded } from '../receiver/embedded/start.ts';
import { migrate } from '../receiver/store/migrate.ts';
import { createPool } from '../receiver/store/pool.ts';

export interface BenchServer {
  url: string;
  /** Speaks as runledger_owner, without a time limit. */
  owner: pg.Pool;
  superuser: pg.Pool;
  /** The folder is a kept one that was there before. */
  isOld: boolean;
  /** Stops the server and removes the folder unless it is kept. */
  remove(): Promise<void>;
}

/** @param keptFolder undefined: a temporary one */
export async function startBenchServer(keptFolder: string | undefined): Promise<BenchServer> {
  const isOld = keptFolder !== undefined && existsSync(keptFolder);
  const dataDir = keptFolder ?? (await mkdtemp(join(tmpdir(), 'runledger-bench-')));
  // A seed need not survive a power cut, and reading is the same with and without.
  const settings = { fsync: 'off', full_page_writes: 'off', max_wal_size: '4GB' };
  const server = await startEmbedded({ dataDir, log: () => undefined, settings });
  const { databaseUrl } = server;
  await migrate({ databaseUrl });
  const owner = createPool({ databaseUrl, role: 'runledger_owner', maxConnections: 4, statementTimeoutMs: 0 });
  const superuser = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  // The server may be stopped before it has heard that a session left.
  superuser.on('error', () => undefined);
  return {
    url: databaseUrl,
    owner,
    superuser,
    isOld,
    async remove() {
      await Promise.all([owner.end(), superuser.end()]);
      await server.stop();
      if (keptFolder === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}
