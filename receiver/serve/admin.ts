/** /tokens and /tenants. A tenant is never deleted here, only disabled: its books stay. */

import type pg from 'pg';
import { disableTenant, enableTenant, listTenants, registerTenants, type TenantRecord } from '../store/tenants.ts';
import {
  createToken,
  DEFAULT_SCOPES,
  InvalidRequestError,
  listTokens,
  revokeToken,
  type TokenRecord,
} from '../store/tokens.ts';
import { idParams, type TokenBody, tenantBody, tenantParams, tokenBody } from './input.ts';
import { Problem } from './problem.ts';
import { readTenantId } from './read.ts';
import { type Route, route } from './route.ts';
import {
  type MadeToken,
  madeToken,
  type TenantLine,
  type TokenLine,
  tenantLine,
  tenantList,
  tokenList,
} from './shape_admin.ts';

export function adminRoutes(operators: pg.Pool): Route[] {
  return [...tokenRoutes(operators), ...tenantRoutes(operators)];
}

function tokenRoutes(operators: pg.Pool): Route[] {
  return [
    route({
      method: 'get',
      path: '/tokens',
      access: 'admin',
      summary: 'All tokens ever made, without their text',
      answer: tokenList,
      handle: async () => ({ tokens: (await listTokens(operators)).map(tokenRecord) }),
    }),
    route({
      method: 'post',
      path: '/tokens',
      access: 'admin',
      summary: 'Makes a token; its text is answered this once',
      body: tokenBody,
      status: 201,
      answer: madeToken,
      handle: ({ body }) => makeToken(operators, body),
    }),
    route({
      method: 'delete',
      path: '/tokens/:id',
      access: 'admin',
      summary: 'Takes a token back; it stops within 5 s',
      params: idParams,
      answer: null,
      async handle({ params: { id } }) {
        if (!(await revokeToken(operators, id))) throw new Problem(404, `There is no token ${id}`);
        return undefined;
      },
    }),
  ];
}

function tenantRoutes(operators: pg.Pool): Route[] {
  return [
    route({
      method: 'get',
      path: '/tenants',
      access: 'admin',
      summary: 'All tenants',
      answer: tenantList,
      handle: async () => ({ tenants: (await listTenants(operators)).map(tenantRecord) }),
    }),
    route({
      method: 'post',
      path: '/tenants',
      access: 'admin',
      summary: 'Registers a tenant, or brings a disabled one back',
      body: tenantBody,
      answer: tenantLine,
      also: { 201: 'It is new' },
      async handle({ body: { tenant } }, { res }) {
        const before = await readTenantId(operators, tenant);
        const tenantId = await registerTenant(operators, tenant);
        // A disabled tenant that is added again is one that comes back.
        await enableTenant(operators, tenantId);
        const record = (await listTenants(operators)).find((one) => one.tenantId === tenantId);
        if (record === undefined) throw new Error('A tenant that was just registered is not there');
        res.status(before === null ? 201 : 200);
        return tenantRecord(record);
      },
    }),
    route({
      method: 'delete',
      path: '/tenants/:id',
      access: 'admin',
      summary: 'Disables a tenant: its spans and tokens are refused within 5 s, its data stays',
      params: tenantParams,
      answer: null,
      async handle({ params: { id: ref } }) {
        const tenantId = await readTenantId(operators, ref);
        if (tenantId === null || !(await disableTenant(operators, tenantId)))
          throw new Problem(404, `There is no tenant ${ref}`);
        return undefined;
      },
    }),
  ];
}

/**
 * Makes a token, and registers its tenant where that is a number which is not there yet; a name must have been registered, because a
 * mistyped one would silently become a tenant of its own.
 * @throws Problem 400 or 404
 */
export async function makeToken(operators: pg.Pool, body: TokenBody): Promise<MadeToken> {
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

async function tenantOfToken(operators: pg.Pool, ref: string): Promise<number> {
  const known = await readTenantId(operators, ref);
  if (known !== null) return known;
  if (/^[0-9]/.test(ref)) return registerTenant(operators, ref);
  throw new Problem(404, `There is no tenant ${ref}; add it first (runledger tenant add ${ref}, or POST /tenants)`);
}

export async function registerTenant(operators: pg.Pool, ref: string): Promise<number> {
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
