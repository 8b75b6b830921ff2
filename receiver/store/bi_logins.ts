/**
 * Logins for BI tools, one tenant each. Making roles is the right of the login in DATABASE_URL, not of runledger_owner, so this works on a
 * connection of its own; where that login may not, the error holds the SQL for an administrator.
 */

import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import pg from 'pg';
import { errorCode } from './errors.ts';
import { loadSql } from './sql.ts';
import { InvalidRequestError } from './tokens.ts';

export interface BiLoginRequest {
  databaseUrl: string;
  tenantId: number;
  /** Default runledger_bi_<tenant>. Roles belong to the whole cluster, so that a second ledger in it needs other names. */
  login?: string | undefined;
  connections?: number | undefined;
  /** Who asks, for the record. */
  by: string;
}

export interface MadeBiLogin {
  login: string;
  /** Shown this once; the server keeps a verifier. */
  password: string;
  /** For the BI tool: DATABASE_URL with this login. */
  url: string;
}

/** The login of DATABASE_URL may not make roles; `sql` is for an administrator. */
export class MayNotMakeRoles extends Error {
  override readonly name = 'MayNotMakeRoles';
  readonly sql: string;
  constructor(sql: string) {
    super('The login in DATABASE_URL may not make or drop this role. Let an administrator of the database run:');
    this.sql = sql;
  }
}

const LOGIN = /^runledger_bi_[a-z0-9_]{1,48}$/;
const CONNECTIONS = 5;
const PASSWORD_BYTES = 24;
const NOT_ALLOWED = '42501';

/**
 * Makes the login, or gives the one that is there a new password.
 * @throws InvalidRequestError for a name that is no BI login's or is another tenant's; MayNotMakeRoles; any database error
 */
export async function makeBiLogin(request: BiLoginRequest): Promise<MadeBiLogin> {
  const { databaseUrl, tenantId, connections = CONNECTIONS, by } = request;
  const login = loginOf(request);
  const password = randomBytes(PASSWORD_BYTES).toString('base64url');
  const settings = [login, scramVerifier(password), String(connections)];
  const adminSql = byHand('roles/bi_login_by_hand', { login, tenant: tenantId, connections });
  await inAdministration(databaseUrl, adminSql, async (client) => {
    await client.query('begin');
    await client.query(loadSql('queries/store/become_owner'));
    await assertFree(client, login, tenantId);
    await client.query(loadSql('queries/store/become_self'));
    await client.query(loadSql('queries/store/set_bi_settings'), settings);
    await client.query(loadSql('roles/bi_login'));
    await client.query(loadSql('queries/store/become_owner'));
    await client.query(loadSql('queries/store/set_bi_login'), [login, tenantId]);
    await recordLogin(client, tenantId, by, 'sql_login_make', login);
    await client.query('commit');
  });
  return { login, password, url: urlOf(databaseUrl, login, password) };
}

/** @returns false when this database has no such BI login of the tenant */
export async function dropBiLogin(request: BiLoginRequest): Promise<boolean> {
  const { databaseUrl, tenantId, by } = request;
  const login = loginOf(request);
  const adminSql = byHand('roles/drop_bi_login_by_hand', { login });
  return inAdministration(databaseUrl, adminSql, async (client) => {
    await client.query('begin');
    await client.query(loadSql('queries/store/become_owner'));
    const { rows } = await client.query<{ tenant_id: number }>(loadSql('queries/store/remove_bi_login'), [login]);
    if (rows[0]?.tenant_id !== tenantId) {
      await client.query('rollback');
      return false;
    }
    await recordLogin(client, tenantId, by, 'sql_login_drop', login);
    await client.query(loadSql('queries/store/become_self'));
    await client.query(loadSql('queries/store/set_bi_settings'), [login, '', '0']);
    await client.query(loadSql('roles/drop_bi_login'));
    await client.query('commit');
    return true;
  });
}

/**
 * Drops the roles of an erased tenant's logins, which are in no register any more and see nothing; one that is gone already is passed by.
 * @throws MayNotMakeRoles with the SQL for all that are still there; any database error
 */
export async function dropErasedLogins(databaseUrl: string, logins: readonly string[]): Promise<void> {
  for (const [index, login] of logins.entries()) {
    const left = logins.slice(index).map((name) => byHand('roles/drop_bi_login_by_hand', { login: name }));
    await inAdministration(databaseUrl, left.join(''), async (client) => {
      await client.query('begin');
      await client.query(loadSql('queries/store/set_bi_settings'), [login, '', '0']);
      await client.query(loadSql('roles/drop_bi_login'));
      await client.query('commit');
    });
  }
}

/** The values are a checked name and numbers. */
function byHand(sql: string, values: Record<string, string | number>): string {
  return loadSql(sql).replace(/:(\w+)/g, (all, name: string) => String(values[name] ?? all));
}

function loginOf({ login, tenantId }: BiLoginRequest): string {
  const name = login ?? `runledger_bi_${tenantId}`;
  if (LOGIN.test(name)) return name;
  throw new InvalidRequestError(
    'The name of a BI login begins with runledger_bi_ and goes on with up to 48 of a-z, digits and underscores',
  );
}

/** A role that somebody else made is never taken over, nor one that reads another tenant. */
async function assertFree(client: pg.Client, login: string, tenantId: number): Promise<void> {
  const { rows } = await client.query<{ is_there: boolean; tenant_id: number | null }>(
    loadSql('queries/store/find_bi_login'),
    [login],
  );
  const [found] = rows;
  if (found?.is_there !== true || found.tenant_id === tenantId) return;
  throw new InvalidRequestError(
    found.tenant_id === null
      ? `The role ${login} is there already and is no BI login of this database; choose another name`
      : `${login} is the BI login of tenant ${found.tenant_id}; choose another name`,
  );
}

async function recordLogin(client: pg.Client, tenantId: number, by: string, act: string, login: string): Promise<void> {
  const details = JSON.stringify({ login });
  await client.query(loadSql('queries/alerts/add_act'), [
    tenantId,
    new Date(),
    by,
    act,
    `tenant ${tenantId}`,
    null,
    details,
  ]);
}

async function inAdministration<T>(
  databaseUrl: string,
  adminSql: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } catch (error) {
    if (errorCode(error) === NOT_ALLOWED) throw new MayNotMakeRoles(adminSql);
    throw error;
  } finally {
    // An open transaction ends with its connection.
    await client.end();
  }
}

/** RFC 5803, as PostgreSQL keeps it; so the password itself is in no statement and in no log of the server. */
function scramVerifier(password: string): string {
  const iterations = 4096;
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const sign = (text: string) => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(sign('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${sign('Server Key').toString('base64')}`;
}

function urlOf(databaseUrl: string, login: string, password: string): string {
  const url = new URL(databaseUrl);
  url.username = login;
  url.password = password;
  return url.href;
}
