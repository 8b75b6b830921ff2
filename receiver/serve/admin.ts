/** Tokens and tenants for the API and the commands alike: what is made, renewed and listed, and what is refused. */

import { registerTenants, type TenantRecord } from '../store/tenants.ts';
import {
  createToken,
  DEFAULT_SCOPES,
  InvalidRequestError,
  listTokens,
  rotateToken,
  type TokenRecord,
} from '../store/tokens.ts';
import type { Queryable } from './access.ts';
import type { TokenBody } from './input.ts';
import { Problem } from './problem.ts';
import { readTenantId } from './read.ts';
import type { MadeToken, TenantLine, TokenLine } from './shape_admin.ts';

/** @throws Problem 404 for a token that was never made, 409 for one that holds no more */
export async function renewToken(client: Queryable, tokenId: number, graceMinutes: number): Promise<MadeToken> {
  const renewed = await rotateToken(client, tokenId, graceMinutes);
  if (renewed === null) {
    const known = (await listTokens(client)).some((one) => one.tokenId === tokenId);
    if (!known) throw new Problem(404, `There is no token ${tokenId}`);
    throw new Problem(409, `Token ${tokenId} has expired or was revoked; make a new one`);
  }
  const { token_id, kind, tenant_id, name, scopes, expires_at } = tokenRecord(renewed.record);
  return { token: renewed.token, token_id, kind, tenant_id, name, scopes, expires_at };
}

/**
 * Makes a token, and registers its tenant where that is a number which is not there yet; a name must have been registered, because a
 * mistyped one would silently become a tenant of its own.
 * @throws Problem 400 or 404
 */
export async function makeToken(operators: Queryable, body: TokenBody): Promise<MadeToken> {
  const tenantId = body.tenant === undefined ? null : await tenantOfToken(operators, body.tenant);
  const name = body.name ?? defaultName(body);
  const { token, tokenId } = await askStore(() =>
    createToken(operators, {
      kind: body.kind,
      name,
      ...(tenantId === null ? {} : { tenantId }),
      ...(body.scopes === undefined ? {} : { scopes: body.scopes }),
      ...(body.expires_at === undefined ? {} : { expiresAt: new Date(body.expires_at) }),
    }),
  );
  return {
    token,
    token_id: tokenId,
    kind: body.kind,
    tenant_id: tenantId,
    name,
    scopes: [...(body.scopes ?? DEFAULT_SCOPES[body.kind])],
    expires_at: body.expires_at === undefined ? null : new Date(body.expires_at).toISOString(),
  };
}

function defaultName(body: TokenBody): string {
  const day = new Date().toISOString().slice(0, 10);
  return body.tenant === undefined ? `${body.kind} ${day}` : `tenant ${body.tenant} ${day}`;
}

async function tenantOfToken(operators: Queryable, ref: string): Promise<number> {
  const known = await readTenantId(operators, ref);
  if (known !== null) return known;
  if (/^[0-9]/.test(ref)) return registerTenant(operators, ref);
  throw new Problem(404, `There is no tenant ${ref}; add it first (runledger tenant add ${ref}, or POST /tenants)`);
}

export async function registerTenant(operators: Queryable, ref: string): Promise<number> {
  const tenantId = (await askStore(() => registerTenants(operators, [ref]))).get(ref);
  if (tenantId === undefined) throw new Error('A tenant that was just registered is not there');
  return tenantId;
}

/** What the store refuses because of what was asked is the caller's to fix. */
export async function askStore<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof InvalidRequestError) throw new Problem(400, error.message);
    throw error;
  }
}

export function tokenRecord(record: TokenRecord): TokenLine {
  return {
    token_id: record.tokenId,
    kind: record.kind,
    tenant_id: record.tenantId,
    name: record.name,
    scopes: record.scopes,
    created_at: record.createdAt.toISOString(),
    expires_at: record.expiresAt?.toISOString() ?? null,
    revoked_at: record.revokedAt?.toISOString() ?? null,
    last_used_at: record.lastUsedAt?.toISOString() ?? null,
  };
}

export function tenantRecord(record: TenantRecord): TenantLine {
  return {
    tenant_id: record.tenantId,
    name: record.name,
    status: record.status,
    created_at: record.createdAt.toISOString(),
  };
}
