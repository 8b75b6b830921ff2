/**
 * One PostgreSQL per test run, with a migrated template database that test/helpers/database.ts clones for each file. The cluster
 * lives in a temporary folder without durability and is gone after the run, even when the run is killed. TEST_DATABASE_URL, a
 * superuser's URL on PostgreSQL 15 to 18, takes its place.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../../receiver/embedded/start.ts';
import { dropDatabase, onDatabase, withClient } from './database_admin.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of a superuser on any database of the test server. */
    testServerUrl: string;
    /** Begins the name of every database of this run. */
    testPrefix: string;
    /** The migrated template, or why there is none. */
    testTemplate: { name: string } | { failure: string };
  }
}

interface TestServer {
  url: string;
  stop(): Promise<void>;
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL;
  const server = given ? { url: given, stop: async () => undefined } : await startTemporary();
  const prefix = `t_${randomBytes(4).toString('hex')}_`;
  project.provide('testServerUrl', server.url);
  project.provide('testPrefix', prefix);
  project.provide('testTemplate', await createTemplate(server.url, `${prefix}template`));
  return async () => {
    if (given) await dropAll(server.url, prefix);
    await server.stop();
  };
}

/** A cluster that nobody will miss: nothing waits for the disk. */
async function startTemporary(): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'runledger-test-'));
  const guard = spawnGuard(folder);
  const settings = {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    shared_buffers: '128MB',
    max_wal_size: '1GB',
    autovacuum_naptime: '60s',
  };
  const lines: string[] = [];
  try {
    const server = await startEmbedded({ dataDir: folder, log: (line) => lines.push(line), settings });
    return {
      url: server.databaseUrl,
      stop: async () => {
        await server.stop();
        await removeCluster(folder);
        guard.stdin?.end();
      },
    };
  } catch (error) {
    await removeCluster(folder);
    guard.stdin?.end();
    throw new Error(`The test database does not start. ${lines.join('; ')}`, { cause: error });
  }
}

/**
 * A process of its own that waits for this one to be gone, however it went (Ctrl-C, kill -9), and then ends the server and removes
 * the folder. After an orderly end there is nothing left for it to do.
 */
function spawnGuard(folder: string): ChildProcess {
  const script = `
    const { existsSync, readFileSync, rmSync } = require('node:fs');
    const { dirname, join, resolve } = require('node:path');
    const folder = process.argv[1];
    process.stdin.resume().on('end', () => {
      if (!existsSync(folder)) return;
      let home = folder;
      try { home = resolve(folder, JSON.parse(readFileSync(join(folder, 'postgres.json'), 'utf8')).home); } catch {}
      try { process.kill(Number(readFileSync(join(home, 'postgres', 'postmaster.pid'), 'utf8').split('\\n')[0]), 'SIGQUIT'); } catch {}
      setTimeout(() => {
        for (const path of [home, folder]) rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
      }, 1000);
    });`;
  const guard = spawn(process.execPath, ['-e', script, folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  return guard;
}

/** Removes the folder and, where the launcher had to put the cluster elsewhere, that place too. */
async function removeCluster(folder: string): Promise<void> {
  const record = await readFile(join(folder, 'postgres.json'), 'utf8').catch(() => null);
  const home: unknown = record === null ? '.' : JSON.parse(record).home;
  if (typeof home === 'string' && home !== '.') await rm(home, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
}

/** A migration that fails must not take the tests down that need no database: it fails those that ask for the template. */
async function createTemplate(serverUrl: string, name: string): Promise<{ name: string } | { failure: string }> {
  await withClient(serverUrl, (client) =>
    client.query(`create database ${pg.escapeIdentifier(name)} template template0`),
  );
  try {
    const { migrate } = await import('../../receiver/store/migrate.ts');
    await migrate({ databaseUrl: onDatabase(serverUrl, name) });
  } catch (error) {
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  // Nobody may connect any more: a session on the template would make every CREATE DATABASE from it fail.
  await withClient(serverUrl, (client) =>
    client.query(`alter database ${pg.escapeIdentifier(name)} with is_template true allow_connections false`),
  );
  return { name };
}

async function dropAll(serverUrl: string, prefix: string): Promise<void> {
  const names = await withClient(serverUrl, async (client) => {
    const found = await client.query<{ datname: string }>(
      'select datname from pg_database where starts_with(datname, $1)',
      [prefix],
    );
    return found.rows.map((row) => row.datname);
  });
  for (const name of names) await dropDatabase(serverUrl, name);
}
