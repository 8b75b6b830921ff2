/**
 * Writes the whole ledger into one file, in one snapshot, while receivers go on: every table as COPY text, so that it can be read in by any
 * PostgreSQL from 15 on, embedded or not.
 */

import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { type BackupEnd, FORMAT, line } from './backup_archive.ts';
import { loadSql } from './sql.ts';

export interface BackupResult {
  tables: number;
  rows: number;
  /** Of the file. */
  bytes: number;
}

/** Why a backup cannot be made of this database, and what to do instead. */
export class BackupRefusedError extends Error {
  override readonly name = 'BackupRefusedError';
}

interface Facts {
  server_version: string;
  is_adopted: boolean;
  migrations: string[];
  days: string[];
}

const CONNECT_MS = 15_000;

/**
 * @param path taken only when complete and on the disk; readable by its owner alone, because it holds what the ledger holds
 * @throws BackupRefusedError, a file's or the database's error; then there is no file
 */
export async function writeBackup(
  databaseUrl: string,
  path: string,
  options: { version: string; progress?: (table: string) => void },
): Promise<BackupResult> {
  const half = `${path}.part`;
  const holder = await connect(databaseUrl);
  const reader = await connect(databaseUrl);
  try {
    // A snapshot does not keep a table from being dropped; a lock does, and must be there before the snapshot is taken.
    await holder.query('begin');
    await holder.query(loadSql('queries/backup/hold_tables'));
    await reader.query(loadSql('queries/backup/begin_snapshot'));
    const end: BackupEnd = { end: true, tables: 0, rows: 0, sequences: {} };
    const archive = Readable.from(writeParts(reader, end, options), { objectMode: false });
    await pipeline(archive, createGzip({ level: 4 }), createWriteStream(half, { flags: 'wx', mode: 0o600 }));
    await onDisk(half);
    await rename(half, path);
    return { tables: end.tables, rows: end.rows, bytes: (await stat(path)).size };
  } catch (error) {
    // Somebody else's half belongs to a backup that is being made.
    if ((error as { code?: unknown }).code !== 'EEXIST') await rm(half, { force: true });
    throw error;
  } finally {
    await Promise.all([holder.end(), reader.end()]);
  }
}

/** Fills in `end` as it goes. */
async function* writeParts(
  reader: pg.Client,
  end: BackupEnd,
  { version, progress }: { version: string; progress?: (table: string) => void },
): AsyncGenerator<Buffer> {
  const facts = (await reader.query<Facts>(loadSql('queries/backup/facts'))).rows[0];
  if (facts === undefined || facts.is_adopted) {
    throw new BackupRefusedError(
      'enrichment_runs belongs to another application here, and a backup without its rows would be none\nUse pg_dump for the whole database',
    );
  }
  const { server_version, migrations, days } = facts;
  yield line({ format: FORMAT, version, made_at: new Date().toISOString(), server_version, migrations, days });
  const tables = await reader.query<{ table_name: string; copy_out: string; copy_in: string }>(
    loadSql('queries/backup/tables'),
  );
  for (const { table_name, copy_out, copy_in } of tables.rows) {
    progress?.(table_name);
    yield line({ table: table_name, copy_in });
    const copy = reader.query(copyTo(copy_out));
    for await (const data of copy as AsyncIterable<Buffer>) {
      if (data.length === 0) continue;
      yield line({ bytes: data.length });
      yield data;
    }
    end.tables++;
    end.rows += copy.rowCount;
    yield line({ rows: copy.rowCount });
  }
  const sequences = await reader.query<{ name: string; last_value: string | null }>(
    loadSql('queries/backup/sequences'),
  );
  for (const { name, last_value } of sequences.rows) if (last_value !== null) end.sequences[name] = last_value;
  yield line(end);
}

/** A session of runledger_owner that may take as long as it needs. */
async function connect(databaseUrl: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'runledger backup',
    connectionTimeoutMillis: CONNECT_MS,
  });
  // The query that runs meets the same error; without a listener it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  await client.query(loadSql('queries/backup/begin_long_work'));
  await client.query('set role runledger_owner');
  return client;
}

async function onDisk(path: string): Promise<void> {
  const file = await open(path, 'r');
  await file.sync();
  await file.close();
}
