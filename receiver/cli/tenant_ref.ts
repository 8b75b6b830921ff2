/** The tenant that an argument names. */

import type pg from 'pg';
import { check, tenantRefParam } from '../serve/input.ts';
import { readTenantId } from '../serve/read.ts';
import { CliError, EXIT } from './exit.ts';

/** @throws CliError when it is not registered */
export async function requireTenant(pool: pg.Pool, ref: string): Promise<number> {
  const tenantId = await readTenantId(pool, check(tenantRefParam, ref, 'tenant'));
  if (tenantId === null) throw new CliError(EXIT.no, `There is no tenant ${ref}\nRun: runledger tenant list`);
  return tenantId;
}
