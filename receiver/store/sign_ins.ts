/** People who sign in at an identity provider: each sign-in is a row among the tokens, with a person's name and an end. */

import type pg from 'pg';
import { loadSql } from './sql.ts';
import { hashToken, type Scope } from './tokens.ts';

export interface NewSignIn {
  /** null: all tenants, as with an admin token. */
  tenantId: number | null;
  /** Of a tenant. */
  scopes: readonly Scope[];
  person: string;
  /** As the list of tokens shows it. */
  name: string;
  minutes: number;
  /** What the cookie stands for; only its hash is stored. */
  token: string;
}

/**
 * Holds at once.
 * @param client speaks as runledger_operator
 * @returns the row's id; null when the tenant is not registered or disabled
 */
export async function openSignIn(client: Pick<pg.ClientBase, 'query'>, signIn: NewSignIn): Promise<number | null> {
  await client.query(loadSql('queries/store/forget_sign_ins'));
  const { rows } = await client.query<{ token_id: number }>(loadSql('queries/store/open_sign_in'), [
    signIn.tenantId === null ? 'admin' : 'tenant',
    signIn.tenantId ?? 0,
    signIn.name,
    signIn.tenantId === null ? [] : signIn.scopes,
    signIn.minutes,
    hashToken(signIn.token),
    signIn.person,
  ]);
  return rows[0]?.token_id ?? null;
}

/** @returns the numbers of those references, numbers or names, that are registered and active tenants */
export async function findActiveTenants(
  client: Pick<pg.ClientBase, 'query'>,
  refs: readonly string[],
): Promise<Map<string, number>> {
  const { rows } = await client.query<{ tenant_id: number; name: string | null }>(
    loadSql('queries/store/find_active_tenants'),
    [refs],
  );
  const known = rows.flatMap(({ tenant_id, name }): [string, number][] => [
    [String(tenant_id), tenant_id],
    ...(name === null ? [] : ([[name, tenant_id]] as [string, number][])),
  ]);
  return new Map(known.filter(([ref]) => refs.includes(ref)));
}
