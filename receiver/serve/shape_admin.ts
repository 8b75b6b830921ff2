/** What the API answers about tokens, tenants, the caller, and what people did. */

import { z } from 'zod';
import { id, json, nextCursor, time } from './shape_values.ts';

const scopes = z.array(z.enum(['write', 'read', 'review']));
const tokenKind = z.enum(['tenant', 'ingest', 'admin']);

export const tokenLine = z.object({
  token_id: id,
  kind: tokenKind,
  tenant_id: id.nullable(),
  name: z.string(),
  scopes,
  created_at: time,
  expires_at: time.nullable(),
  revoked_at: time.nullable(),
  last_used_at: time.nullable(),
});
export type TokenLine = z.infer<typeof tokenLine>;

/** GET /tokens */
export const tokenList = z.object({ tokens: z.array(tokenLine) });

/** POST /tokens and POST /tokens/:token/rotate */
export const madeToken = z.object({
  token: z.string().describe('Shown this once; only its hash is kept'),
  token_id: id,
  kind: tokenKind,
  tenant_id: id.nullable(),
  name: z.string(),
  scopes,
  expires_at: time.nullable(),
});
export type MadeToken = z.infer<typeof madeToken>;

export const tenantLine = z.object({
  tenant_id: id,
  name: z.string().nullable().describe('null for a tenant that goes by its number'),
  status: z.enum(['active', 'disabled']),
  created_at: time,
});
export type TenantLine = z.infer<typeof tenantLine>;

/** GET /tenants; a tenant's own token sees its own line. */
export const tenantList = z.object({ tenants: z.array(tenantLine) });

/** GET /me */
export const me = z.object({
  kind: z.enum(['tenant', 'admin']),
  tenant_id: id.nullable(),
  tenant_name: z.string().nullable(),
  scopes,
  version: z.string().describe('Of the receiver'),
});
export type Me = z.infer<typeof me>;

export const actLine = z.object({
  act_id: id,
  tenant_id: id.describe('0: the installation'),
  at: time,
  actor: z.string().describe('The name given, and what kind of token or command'),
  act: z.string(),
  object: z.string(),
  reason: z.string().nullable(),
  details: json.nullable(),
});
export type ActLine = z.infer<typeof actLine>;

/** GET /acts: newest first. */
export const actPage = z.object({ acts: z.array(actLine), next_cursor: nextCursor });
export type ActPage = z.infer<typeof actPage>;
