/** What the API answers about tokens, tenants, the caller, and what people did. */

import { z } from 'zod';
import { count, day, id, json, nextCursor, time } from './shape_values.ts';

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

const holdingQuota = z.enum(['spans_per_second', 'open_runs', 'parked_bytes']);
const hold = {
  quota: holdingQuota,
  day: day.describe('UTC day of the last one'),
  requests: count.describe('On that day; one that came ten times counts ten times'),
  last_at: time,
};

/** GET and PUT /tenants/:id/quota */
export const tenantQuota = z.object({
  tenant_id: id,
  limits: z
    .object({
      spans_per_second: count.nullable().describe('Spans and log records, of each receiver; null: no limit'),
      burst_spans: count.nullable().describe('How many may come at once after a pause; null: no limit'),
      open_runs: count.nullable().describe('Runs that go on before a new one has to wait; null: no limit'),
      stages_per_run: count,
      vendors_per_run: count,
      parked_bytes: count.describe('Of rows that wait for their run'),
    })
    .describe('What holds'),
  set: z
    .array(
      z.enum(['spans_per_second', 'burst_spans', 'open_runs', 'stages_per_run', 'vendors_per_run', 'parked_bytes']),
    )
    .describe('Which of the limits are the tenant’s own; the others are the default'),
  use: z.object({
    open_runs: count,
    parked_rows: count.nullable().describe('null for tenants: operators see it'),
    parked_bytes: count.nullable(),
  }),
  held: z.array(z.object(hold)).describe('How often a quota sent requests back until later'),
});
export type TenantQuota = z.infer<typeof tenantQuota>;

/** In GET /ingest/health */
export const tenantHold = z.object({ tenant_id: id, tenant_name: z.string().nullable(), ...hold });
export type TenantHold = z.infer<typeof tenantHold>;

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
