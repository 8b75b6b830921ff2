/**
 * Brings a database to the schema of this version: roles, migrations, then the current text of functions and views, all under one lock,
 * so that any number of processes may start at once. Runs at start and as `runledger migrate`.
 */

import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { applyAdoptedSections, checkForeignTables, pendingAdoptedSections } from './adopt.ts';
import { ensureRoles } from './roles.ts';
import { loadSql } from './sql.ts';
import { listDefinitions, listSqlFiles, MIGRATIONS_FOLDER, type SqlFile } from './sql_files.ts';

export { ForeignTableError } from './adopt.ts';
export { AdministratorNeededError } from './roles.ts';

export interface MigrateOptions {
  databaseUrl: string;
  /** Adopt an enrichment_runs that an application had before (its key is run_id). */
  adopt?: boolean;
  log?: (message: string) => void;
}

/** Migrations that a published version has; from then on their text never changes. */
const RELEASED_MIGRATIONS: ReadonlySet<string> = new Set();
const MIGRATIONS_TABLE = 'schema_migrations';
const OLDEST_SERVER = 150_000;

interface Server {
  version: number;
  version_text: string;
  is_replica: boolean;
  login: string;
  database_name: string;
  schema_owner: string | null;
  has_history: boolean;
  has_tables: boolean;
  has_citus: boolean;
}

/**
 * Applies what is missing; a second call does nothing.
 * @returns the names of the migrations, and the paths of functions and views, applied by this call
 * @throws AdministratorNeededError, ForeignTableError (both name the SQL that helps), or the error of the failing file with its name
 */
export async function migrate(options: MigrateOptions): Promise<{ applied: string[] }> {
  const log = options.log ?? (() => undefined);
  return withClient(options.databaseUrl, async (client) => {
    await client.query(loadSql('queries/migrate/set_session'));
    checkServer(await readServer(client));
    // The lock may take as long as another process migrates; everything after it is bounded by lock_timeout.
    await client.query("set lock_timeout = '0'");
    await client.query(loadSql('queries/migrate/lock'));
    await client.query("set lock_timeout = '15s'");

    const server = await readServer(client);
    if (!server.has_tables) await checkForeignTables(client, options.adopt === true, server.has_citus);
    await ensureRoles(client, server.login, server.database_name);
    await client.query('set role runledger_owner');
    await client.query(loadSql('queries/migrate/prepare_schema'));

    const before = await readAppliedFiles(client);
    warnOfChanges(before, log);
    const migrations = await runMigrations(client, log);
    await recordMigrations(client, before);
    if (await isAdopted(client)) await applyAdoptedSections(client, before);
    const definitions = await applyDefinitions(client, before);
    return { applied: [...migrations, ...definitions] };
  });
}

/**
 * What `migrate` would still do: names of migrations and paths of functions, views and adopted sections. Everything when the database
 * was never migrated.
 */
export async function pendingMigrations(databaseUrl: string): Promise<string[]> {
  return withClient(databaseUrl, async (client) => {
    const { has_history, has_tables } = await readServer(client);
    if (!has_history || !has_tables)
      return [...listSqlFiles('migrations').map((file) => file.name), ...listDefinitions().map((file) => file.path)];
    await client.query('set role runledger_owner');
    const names = new Set(await readMigrationNames(client));
    const applied = await readAppliedFiles(client);
    return [
      ...listSqlFiles('migrations').flatMap((file) => (names.has(file.name) ? [] : [file.name])),
      ...((await isAdopted(client)) ? pendingAdoptedSections(applied) : []),
      ...listDefinitions().flatMap((file) => (applied.get(file.path) === file.sha256 ? [] : [file.path])),
    ];
  });
}

async function withClient<T>(databaseUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'runledger migrate',
    connectionTimeoutMillis: 15_000,
  });
  // The query that runs meets the same error; without a listener it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function readServer(client: pg.Client): Promise<Server> {
  const { rows } = await client.query<Server>(loadSql('queries/migrate/read_server'));
  const server = rows[0];
  if (server === undefined) throw new Error('The server did not say what it is');
  return server;
}

function checkServer(server: Server): void {
  if (server.version < OLDEST_SERVER)
    throw new Error(`Runledger needs PostgreSQL 15 or later; this server is ${server.version_text}`);
  if (server.is_replica)
    throw new Error('This server is a read-only replica; give the address of the primary in DATABASE_URL');
  if (server.schema_owner !== null && server.schema_owner !== 'runledger_owner') {
    throw new Error(
      `Schema runledger belongs to ${server.schema_owner} and not to runledger_owner. Nothing was changed. ` +
        'Rename it, then migrate again: alter schema runledger rename to runledger_before;',
    );
  }
}

async function readAppliedFiles(client: pg.Client): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ path: string; sha256: string }>(loadSql('queries/migrate/read_applied_files'));
  return new Map(rows.map((row) => [row.path, row.sha256]));
}

async function readMigrationNames(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(loadSql('queries/migrate/read_applied_migrations'));
  return rows.map((row) => row.name);
}

async function isAdopted(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ adopted: boolean }>(loadSql('queries/migrate/is_adopted'));
  return rows[0]?.adopted === true;
}

/** A migration whose text is no longer the one that was applied: refused once it was released, else said aloud. */
function warnOfChanges(applied: ReadonlyMap<string, string>, log: (message: string) => void): void {
  for (const file of listSqlFiles('migrations')) {
    const sha256 = applied.get(file.path);
    if (sha256 === undefined || sha256 === file.sha256) continue;
    const message = `sql/${file.path}.sql was changed after it was applied to this database`;
    if (RELEASED_MIGRATIONS.has(file.name))
      throw new Error(`${message}. Put the released text back and add a new migration.`);
    log(`Warning: ${message}; the database keeps the old text. Make the database anew to get the new one.`);
  }
}

async function runMigrations(client: pg.Client, log: (message: string) => void): Promise<string[]> {
  let last = '';
  try {
    const done = await runner({
      dbClient: client,
      dir: MIGRATIONS_FOLDER,
      direction: 'up',
      migrationsSchema: 'runledger',
      migrationsTable: MIGRATIONS_TABLE,
      singleTransaction: false,
      advisoryLockMode: 'wait',
      logger: {
        info: (message) => {
          last = /MIGRATION (\S+)/.exec(String(message))?.[1] ?? last;
        },
        warn: (message) => log(String(message)),
        // The error itself is thrown; its report would repeat the whole file.
        error: () => undefined,
      },
    });
    for (const { name } of done) log(`Applied migration ${name}`);
    return done.map(({ name }) => name);
  } catch (error) {
    throw failedFile(`migrations/${last}`, error);
  }
}

async function recordMigrations(client: pg.Client, before: ReadonlyMap<string, string>): Promise<void> {
  for (const file of listSqlFiles('migrations')) {
    if (!before.has(file.path)) await recordFile(client, file);
  }
}

async function recordFile(client: pg.Client, file: SqlFile): Promise<void> {
  await client.query(loadSql('queries/migrate/record_applied_file'), [file.path, file.sha256]);
}

/** All functions and views again, in one transaction, as soon as one of them changed: they may build on each other. */
async function applyDefinitions(client: pg.Client, before: ReadonlyMap<string, string>): Promise<string[]> {
  const files = listDefinitions();
  const changed = files.filter((file) => before.get(file.path) !== file.sha256);
  if (changed.length === 0) return [];
  await client.query('begin');
  try {
    for (const file of files) {
      await client.query(file.text).catch((error: unknown) => {
        throw failedFile(file.path, error);
      });
      await recordFile(client, file);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
  return changed.map((file) => file.path);
}

function failedFile(path: string, error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error);
  const failure = new Error(`sql/${path}.sql failed: ${reason}`, { cause: error });
  if (typeof error === 'object' && error !== null && 'code' in error) Object.assign(failure, { code: error.code });
  return failure;
}
