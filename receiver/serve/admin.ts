/** GET, POST and DELETE of /tokens and /tenants, for admin tokens. A tenant is never deleted here, only disabled: its books stay. */

import express, { Router } from 'express';
import type pg from 'pg';
import { disableTenant, enableTenant, listTenants, registerTenants, type TenantRecord } from '../store/tenants.ts';
import { createToken, InvalidRequestError, listTokens, revokeToken, type TokenRecord } from '../store/tokens.ts';
import { requireAdmin } from './access.ts';
import { check, idParam, noQuery, type TokenBody, tenantBody, tenantRefParam, tokenBody } from './input.ts';
import { Problem } from './problem.ts';
import { readTenantId } from './read.ts';

const BODY_BYTES = 16 * 1024;

export function adminRoutes(operators: pg.Pool): Router {
  const router = Router();
  router.use(
    ['/tokens', '/tenants'],
    requireAdmin,
    express.json({ limit: BODY_BYTES, inflate: false, strict: false, type: () => true }),
  );

  router.get('/tokens', async (req, res) => {
    check(noQuery, req.query);
    res.json({ tokens: (await listTokens(operators)).map(tokenLine) });
  });

  router.post('/tokens', async (req, res) => {
    const made = await makeToken(operators, check(tokenBody, req.body));
    res.status(201).json(made);
  });

  router.delete('/tokens/:id', async (req, res) => {
    const tokenId = check(idParam, req.params.id, 'id');
    if (!(await revokeToken(operators, tokenId))) throw new Problem(404, `There is no token ${tokenId}`);
    res.status(204).end();
  });

  router.get('/tenants', async (req, res) => {
    check(noQuery, req.query);
    res.json({ tenants: (await listTenants(operators)).map(tenantLine) });
  });

  router.post('/tenants', async (req, res) => {
    const { tenant } = check(tenantBody, req.body);
    const before = await readTenantId(operators, tenant);
    const tenantId = await registerTenant(operators, tenant);
    // A disabled tenant that is added again is one that comes back.
    await enableTenant(operators, tenantId);
    const record = (await listTenants(operators)).find((one) => one.tenantId === tenantId);
    if (record === undefined) throw new Error('A tenant that was just registered is not there');
    res.status(before === null ? 201 : 200).json(tenantLine(record));
  });

  router.delete('/tenants/:id', async (req, res) => {
    const ref = check(tenantRefParam, req.params.id, 'id');
    const tenantId = await readTenantId(operators, ref);
    if (tenantId === null || !(await disableTenant(operators, tenantId)))
      throw new Problem(404, `There is no tenant ${ref}`);
    res.status(204).end();
  });

  return router;
}

export interface MadeToken {
  /** Shown this once; only its hash is kept. */
  token: string;
  token_id: number;
  kind: string;
  tenant_id: number | null;
  name: string;
  expires_at: string | null;
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
  return { token, token_id: tokenId, kind: body.kind, tenant_id: tenantId, name, expires_at: body.expires_at ?? null };
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

export function tokenLine(record: TokenRecord) {
  return {
    token_id: record.tokenId,
    kind: record.kind,
    tenant_id: record.tenantId,
    name: record.name,
    scopes: record.scopes,
    created_at: record.createdAt,
    expires_at: record.expiresAt,
    revoked_at: record.revokedAt,
    last_used_at: record.lastUsedAt,
  };
}

export function tenantLine(record: TenantRecord) {
  return { tenant_id: record.tenantId, name: record.name, status: record.status, created_at: record.createdAt };
}
