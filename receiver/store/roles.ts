/**
 * Makes the roles of the cluster and the rights they need in this database, when a migration starts. Where the login may not, the
 * complete SQL for an administrator is in the error: there is no mode with fewer roles.
 */

import type pg from 'pg';
import { errorCode } from './errors.ts';
import { loadSql } from './sql.ts';

/** The login lacks rights that only an administrator can give; `sql` gives them, with psql or any other client. */
export class AdministratorNeededError extends Error {
  override readonly name = 'AdministratorNeededError';
  readonly sql: string;
  constructor(login: string, missing: readonly string[], sql: string) {
    super(
      `Login ${login} may not set Runledger's roles up in this database:\n${missing.map((line) => `  - ${line}`).join('\n')}\n` +
        `Nothing was changed. Let an administrator of the database run the following SQL once, then migrate again:\n\n${sql}`,
    );
    this.sql = sql;
  }
}

const TRIES = 12;
/** Two sessions of one cluster that create or grant the same at once; roles are cluster-wide, locks of a migration are not. */
const COLLISIONS = new Set(['23505', '42710', '42704', 'XX000', '40001', '40P01']);

/** @throws AdministratorNeededError when rights are missing that the login cannot give */
export async function ensureRoles(client: pg.Client, login: string, databaseName: string): Promise<void> {
  let missing = await readMissingRights(client);
  for (let attempt = 1; missing.length > 0 && attempt <= TRIES; attempt++) {
    try {
      await client.query('begin');
      await client.query('select set_config($1, $2, true)', ['runledger.login', login]);
      await client.query(loadSql('roles/roles'));
      await client.query(loadSql('roles/database'));
      missing = await readMissingRights(client);
      // A grant that is not the login's to give is only a warning of the server's; then all of it is for the administrator.
      await client.query(missing.length === 0 ? 'commit' : 'rollback');
      break;
    } catch (error) {
      await client.query('rollback');
      if (errorCode(error) === '42501') break;
      if (!COLLISIONS.has(errorCode(error) ?? '') || attempt === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 80 * attempt));
      missing = await readMissingRights(client);
    }
  }
  if (missing.length > 0) throw new AdministratorNeededError(login, missing, administratorSql(login, databaseName));
}

async function readMissingRights(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ missing: string }>(loadSql('queries/migrate/missing_rights'));
  return rows.map((row) => row.missing);
}

/** Everything an administrator has to run, complete and repeatable; it stops by itself in the wrong database. */
export function administratorSql(login: string, databaseName: string): string {
  return [
    `-- Run as an administrator (a superuser, or the managed service's admin user) in database ${databaseName}, for example`,
    `--   psql -d ${databaseName} -v ON_ERROR_STOP=1 -f roles.sql`,
    'begin;',
    'do $check$ begin',
    `  if current_database() <> ${quoteLiteral(databaseName)} then raise exception 'this is database %', current_database(); end if;`,
    'end $check$;',
    `set local runledger.login = ${quoteLiteral(login)};`,
    loadSql('roles/roles').trim(),
    loadSql('roles/database').trim(),
    'commit;',
    '',
  ].join('\n');
}

function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
