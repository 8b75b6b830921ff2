/** Reads a backup into an empty ledger of the same schema: all of it in one transaction, or nothing. */

import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { type BackupEnd, BackupFormatError, type BackupHeader, type BackupPart, readParts } from './backup_archive.ts';
import { loadSql } from './sql.ts';

export interface RestoreResult {
  tables: number;
  rows: number;
  /** When the backup was made, ISO 8601. */
  madeAt: string;
}

/** Why this database does not take the backup, and what to do. */
export class RestoreRefusedError extends Error {
  override readonly name = 'RestoreRefusedError';
}

interface Target {
  may_copy: boolean;
  has_data: boolean;
  sessions: number;
}

const CONNECT_MS = 15_000;

/**
 * @param databaseUrl migrated to this version, without runs and tenants, and with no receiver at work on it
 * @throws BackupFormatError, RestoreRefusedError, a file's or the database's error; then the database is as it was
 */
export async function readBackup(
  databaseUrl: string,
  path: string,
  progress: (table: string) => void = () => undefined,
): Promise<RestoreResult> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'runledger restore',
    connectionTimeoutMillis: CONNECT_MS,
  });
  // The query that runs meets the same error; without a listener it would end the process.
  client.on('error', () => undefined);
  const file = createReadStream(path);
  const plain = createGunzip();
  // What goes wrong with either is told to who reads `plain`, however late he begins.
  pipeline(file, plain, () => undefined);
  // He may have stopped reading by then; an error that nobody listens for would end the process.
  plain.on('error', () => undefined);
  try {
    await once(file, 'open');
    await client.connect();
    await client.query(loadSql('queries/backup/begin_long_work'));
    await checkTarget(client);
    await client.query('begin');
    const result = await readInto(client, readParts(plain), progress);
    await client.query('commit');
    await client.query('analyze');
    return result;
  } finally {
    // Ends the transaction too, if it was not committed.
    await client.end();
    file.destroy();
  }
}

async function checkTarget(client: pg.Client): Promise<void> {
  const target = await readTarget(client);
  if (target === undefined) throw new Error('the server did not say what it is');
  if (target.has_data) {
    throw new RestoreRefusedError(
      'This ledger has tenants or runs already, and a backup is read into an empty one only\nGive another --data-dir or --database-url',
    );
  }
  if (target.sessions > 0) {
    throw new RestoreRefusedError('A receiver is at work on this database\nStop `runledger start` first');
  }
  if (!target.may_copy) {
    throw new RestoreRefusedError(
      'This login may not write past row-level security\nGive the URL of a superuser in --database-url, or use pg_dump and pg_restore',
    );
  }
}

async function readTarget(client: pg.Client): Promise<Target | undefined> {
  try {
    return (await client.query<Target>(loadSql('queries/backup/target'))).rows[0];
  } catch (error) {
    // Who may not even read the tables may not fill them.
    if ((error as { code?: unknown }).code === '42501') return { may_copy: false, has_data: false, sessions: 0 };
    throw error;
  }
}

async function readInto(
  client: pg.Client,
  parts: AsyncGenerator<BackupPart>,
  progress: (table: string) => void,
): Promise<RestoreResult> {
  const first = (await parts.next()).value as BackupPart | undefined;
  if (first?.kind !== 'header') throw new BackupFormatError('This is no backup of Runledger');
  await checkSchema(client, first.header);
  const { rows } = await client.query<{ table_name: string; copy_in: string }>(loadSql('queries/backup/tables'));
  // Only our own statements are run, never one that a file brings.
  const wanted = new Map(rows.map(({ table_name, copy_in }) => [table_name, copy_in]));
  await client.query(loadSql('queries/backup/clear'));
  for (const day of first.header.days) await client.query(loadSql('queries/store/ensure_partition'), [day]);
  let total = 0;
  for await (const part of parts) {
    if (part.kind === 'table') {
      const statement = wanted.get(part.name);
      if (statement !== part.copyIn) throw otherSchema(`its table ${part.name} has other columns`);
      wanted.delete(part.name);
      progress(part.name);
      total += await copyTable(client, statement, parts);
    } else if (part.kind === 'end') {
      if (wanted.size > 0) throw otherSchema(`it lacks ${[...wanted.keys()].join(', ')}`);
      return finish(client, part.end, total, first.header);
    } else throw new BackupFormatError('The backup is damaged: data without a table');
  }
  throw new BackupFormatError('The backup is damaged or cut off: it has no end');
}

/** Takes the parts of one table, up to its number of rows. */
async function copyTable(client: pg.Client, statement: string, parts: AsyncGenerator<BackupPart>): Promise<number> {
  const copy = client.query(copyFrom(statement));
  const failed = once(copy, 'error').then(([error]) => Promise.reject(error));
  failed.catch(() => undefined);
  for (;;) {
    let part: BackupPart | undefined;
    try {
      part = (await parts.next()).value as BackupPart | undefined;
    } catch (error) {
      copy.destroy();
      throw error;
    }
    if (part?.kind === 'data') {
      if (!copy.write(part.data)) await Promise.race([once(copy, 'drain'), failed]);
    } else if (part?.kind === 'rows') {
      const ended = once(copy, 'finish');
      copy.end();
      await Promise.race([ended, failed]);
      if (copy.rowCount !== part.rows)
        throw new BackupFormatError(`The backup is damaged: ${copy.rowCount} rows where ${part.rows} were written`);
      return part.rows;
    } else {
      copy.destroy();
      throw new BackupFormatError('The backup is damaged: a table without its end');
    }
  }
}

async function checkSchema(client: pg.Client, header: BackupHeader): Promise<void> {
  const facts = (await client.query<{ migrations: string[] }>(loadSql('queries/backup/facts'))).rows[0];
  const own = facts?.migrations ?? [];
  const missing = header.migrations.filter((name) => !own.includes(name));
  const further = own.filter((name) => !header.migrations.includes(name));
  if (missing.length > 0)
    throw otherSchema(`it was made by a newer version, ${header.version}, with ${missing.join(', ')}`);
  if (further.length > 0) throw otherSchema(`it was made by ${header.version}, before ${further.join(', ')}`);
}

function otherSchema(why: string): RestoreRefusedError {
  return new RestoreRefusedError(
    `The backup is of another schema: ${why}\nRead it in with the version of Runledger that made it, then upgrade`,
  );
}

async function finish(client: pg.Client, end: BackupEnd, rows: number, header: BackupHeader): Promise<RestoreResult> {
  if (rows !== end.rows)
    throw new BackupFormatError(`The backup is damaged: ${rows} rows where ${end.rows} were written`);
  for (const [name, last] of Object.entries(end.sequences)) {
    await client.query(loadSql('queries/backup/set_sequence'), [name, last]);
  }
  return { tables: end.tables, rows, madeAt: header.made_at };
}
