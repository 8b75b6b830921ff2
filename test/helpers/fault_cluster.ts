/**
 * A PostgreSQL of its own for tests that kill it, stop it or need roles that no other test may see. It keeps itself up like the embedded
 * server of the product, so that a killed postmaster is back in a moment. The folder is gone after the test, even when the test is killed.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbedded } from '../../receiver/embedded/start.ts';
import { withClient } from './database_admin.ts';

/** What a server that nobody will miss can do without. A killed process loses nothing by it, only a machine without power would. */
const WITHOUT_DISK = { fsync: 'off', full_page_writes: 'off', shared_buffers: '64MB', max_wal_size: '1GB' };

export interface FaultCluster {
  /** For the superuser, on the database runledger, with the port of the server. */
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  /** kill -9 of the postmaster; it is started again by itself. @returns whether it lived. */
  killServer(): boolean;
  /** kill -9 of one working backend of the receiver, which makes PostgreSQL end all others and recover. @returns whether there was one. */
  killBackend(): Promise<boolean>;
  /** Stops the server for as long as it is not brought up. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Resolves once it takes connections. */
  untilUp(): Promise<void>;
  remove(): Promise<void>;
}

export async function startFaultCluster(durable = false): Promise<FaultCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'runledger-fault-'));
  const guard = spawnGuard(folder);
  const settings = durable ? {} : WITHOUT_DISK;
  const start = () => startEmbedded({ dataDir: folder, log: () => undefined, settings });
  let server: EmbeddedPostgres = await start();
  const url = server.databaseUrl;
  return {
    url,
    port: Number(new URL(url).port),
    folder,
    killServer: () => kill(server.pid),
    killBackend: () => killBackend(url),
    down: () => server.stop(),
    async up() {
      server = await start();
      if (server.databaseUrl !== url) throw new Error('the server came back at another address');
    },
    untilUp: () => untilUp(url),
    async remove() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
      guard.stdin?.end();
    },
  };
}

async function killBackend(url: string): Promise<boolean> {
  const pid = await withClient(url, async (client) => {
    const { rows } = await client.query<{ pid: number }>(
      `select pid from pg_stat_activity where application_name = 'runledger_ingest' order by (state <> 'idle') desc, random() limit 1`,
    );
    return rows[0]?.pid;
  });
  return pid !== undefined && kill(pid);
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

export async function untilUp(url: string): Promise<void> {
  for (;;) {
    try {
      return await withClient(url, async (client) => void (await client.query('select 1')));
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Waits for this process to be gone, however it went, then ends the server and removes the folder. */
function spawnGuard(folder: string) {
  const script = `
    const { existsSync, readFileSync, rmSync } = require('node:fs');
    const { join, resolve } = require('node:path');
    const folder = process.argv[1];
    process.stdin.resume().on('end', () => {
      if (!existsSync(folder)) return;
      let home = folder;
      try { home = resolve(folder, JSON.parse(readFileSync(join(folder, 'postgres.json'), 'utf8')).home); } catch {}
      try { process.kill(Number(readFileSync(join(home, 'postgres', 'postmaster.pid'), 'utf8').split('\\n')[0]), 'SIGQUIT'); } catch {}
      setTimeout(() => {
        for (const path of [home, folder]) rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
      }, 1500);
    });`;
  const guard = spawn(process.execPath, ['-e', script, folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  return guard;
}
