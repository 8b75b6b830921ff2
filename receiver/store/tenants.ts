/** The register of tenants: who may have data here, under which number. Ids are for good; names can change. */

import type pg from 'pg';
import { loadSql } from './sql.ts';
import { InvalidRequestError } from './tokens.ts';

/** Numeric tenants are below 2^30; named ones get their number from there up. */
const FIRST_NAMED_ID = 2 ** 30;
const NAME = /^[a-z][a-z0-9._-]{0,63}$/;
const NUMBER = /^[1-9][0-9]{0,9}$/;

export interface TenantRecord {
  tenantId: number;
  /** null for a tenant that goes by its number. */
  name: string | null;
  status: 'active' | 'disabled';
  createdAt: Date;
}

/** Whether a text can be a tenant: a number from 1 to 2^30 - 1, or a name. */
export function isTenantName(text: string): boolean {
  return NAME.test(text) || (NUMBER.test(text) && Number(text) < FIRST_NAMED_ID);
}

/**
 * Registers tenants that are not there yet; those that are stay as they are, disabled ones too.
 * @param pool of runledger_ingest or runledger_operator
 * @param names numbers as text or names, repeats allowed
 * @returns the tenant id of each name
 * @throws InvalidRequestError, before anything is written, for a text that can be no tenant
 */
export async function registerTenants(
  pool: Pick<pg.ClientBase, 'query'>,
  names: readonly string[],
): Promise<Map<string, number>> {
  const wrong = names.find((name) => !isTenantName(name));
  if (wrong !== undefined) {
    throw new InvalidRequestError(
      `${JSON.stringify(wrong.slice(0, 80))} is no tenant: use a number from 1 to ${FIRST_NAMED_ID - 1}, ` +
        'or a name of up to 64 letters a-z, digits, dots, dashes and underscores that begins with a letter',
    );
  }
  const found = await findTenants(pool, names);
  const missing = [...new Set(names)].filter((name) => !found.has(name));
  if (missing.length === 0) return found;
  const numbers = missing.filter((name) => NUMBER.test(name)).map(Number);
  const texts = missing.filter((name) => !NUMBER.test(name));
  // Two statements: another session's tenant, committed in between, shows in the second and not in the first.
  await pool.query(loadSql('queries/store/add_tenants'), [numbers.sort((a, b) => a - b), texts.sort()]);
  return findTenants(pool, names);
}

async function findTenants(pool: Pick<pg.ClientBase, 'query'>, names: readonly string[]): Promise<Map<string, number>> {
  const numbers = names.filter((name) => NUMBER.test(name)).map(Number);
  const { rows } = await pool.query<{ tenant_id: number; name: string | null }>(loadSql('queries/store/find_tenants'), [
    numbers,
    names.filter((name) => !NUMBER.test(name)),
  ]);
  const wanted = new Set(names);
  const found = new Map<string, number>();
  for (const row of rows) {
    // A tenant that came by its number may have been given a name since; both lead to it.
    for (const name of [String(row.tenant_id), row.name])
      if (name !== null && wanted.has(name)) found.set(name, row.tenant_id);
  }
  return found;
}

/** All tenants that the client may see, by id. */
export async function listTenants(pool: Pick<pg.ClientBase, 'query'>): Promise<TenantRecord[]> {
  const { rows } = await pool.query(loadSql('queries/store/list_tenants'));
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    name: row.name,
    status: row.status,
    createdAt: row.created_at,
  }));
}

/** Its spans and tokens are refused from now on (within 5 s); its data stays. @returns false when there is no such tenant */
export function disableTenant(pool: Pick<pg.ClientBase, 'query'>, tenantId: number): Promise<boolean> {
  return setStatus(pool, tenantId, 'disabled');
}

/** Takes disableTenant back. @returns false when there is no such tenant */
export function enableTenant(pool: Pick<pg.ClientBase, 'query'>, tenantId: number): Promise<boolean> {
  return setStatus(pool, tenantId, 'active');
}

async function setStatus(
  pool: Pick<pg.ClientBase, 'query'>,
  tenantId: number,
  status: 'active' | 'disabled',
): Promise<boolean> {
  return (await pool.query(loadSql('queries/store/set_tenant_status'), [tenantId, status])).rowCount === 1;
}

/**
 * Gives a tenant another name, at once; spans that still come under the old one are refused as unknown.
 * @returns false when there is no such tenant
 * @throws InvalidRequestError for a text that is no name, or a name that is taken
 */
export async function renameTenant(
  pool: Pick<pg.ClientBase, 'query'>,
  tenantId: number,
  name: string,
): Promise<boolean> {
  if (!NAME.test(name)) {
    throw new InvalidRequestError(
      'A tenant name has up to 64 letters a-z, digits, dots, dashes and underscores and begins with a letter',
    );
  }
  try {
    return (await pool.query(loadSql('queries/store/rename_tenant'), [tenantId, name])).rowCount === 1;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === '23505') {
      throw new InvalidRequestError(`The name ${name} belongs to another tenant`);
    }
    throw error;
  }
}
