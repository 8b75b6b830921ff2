/**
 * Databases for tests, on the run's own PostgreSQL. A test file makes its own in beforeAll and drops it in afterAll, so that files
 * never see each other's rows:
 *
 *     let database: TestDatabase;
 *     beforeAll(async () => { database = await createTestDatabase(); });
 *     afterAll(() => database.drop());
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { dropDatabase, onDatabase, withClient } from './database_admin.ts';

export interface TestDatabase {
  /** What the product gets as DATABASE_URL. The login is a superuser, as with the embedded PostgreSQL; the product sets its roles. */
  databaseUrl: string;
  /** The same database for the test's own looks and tricks; passes by all row-level security. */
  superuserUrl: string;
  name: string;
  /** Ends all sessions on it and removes it. Close pools first, or give them an error listener. */
  drop(): Promise<void>;
}

/** A database of its own with all migrations applied. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const template = inject('testTemplate');
  if ('failure' in template) throw new Error(`the template database could not be migrated: ${template.failure}`);
  return create(template.name);
}

/** A database of its own with nothing in it. */
export function createEmptyDatabase(): Promise<TestDatabase> {
  return create('template0');
}

async function create(template: string): Promise<TestDatabase> {
  const serverUrl = inject('testServerUrl');
  const name = `${inject('testPrefix')}${randomBytes(6).toString('hex')}`;
  const statement = `create database ${pg.escapeIdentifier(name)} template ${pg.escapeIdentifier(template)}`;
  await withClient(serverUrl, (client) => client.query(statement));
  const databaseUrl = onDatabase(serverUrl, name);
  return { databaseUrl, superuserUrl: databaseUrl, name, drop: () => dropDatabase(serverUrl, name) };
}
