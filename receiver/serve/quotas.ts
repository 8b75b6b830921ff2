/** GET and PUT /tenants/:id/quota: what a tenant may take of what all share, and what it takes. A tenant reads its own; admins set them. */

import { z } from 'zod';
import { LIMITS } from '../limits.ts';
import { burstOf } from '../quota.ts';
import {
  QUOTA_NAMES,
  QUOTA_RANGES,
  type QuotaLimits,
  type QuotaName,
  readParked,
  readQuota,
  setQuota,
} from '../store/quotas.ts';
import type { Queryable } from './access.ts';
import { recordTenantAct, requireTenant } from './admin_routes.ts';
import { tenantParams } from './input.ts';
import { readLines } from './read.ts';
import { type Route, route } from './route.ts';
import { type TenantHold, type TenantQuota, tenantQuota } from './shape_admin.ts';

const limit = (name: QuotaName) => {
  const { min, max } = QUOTA_RANGES[name];
  return z
    .int()
    .min(min, `is below ${min}`)
    .max(max, `is above ${max}`)
    .nullable()
    .default(null)
    .describe('null, or left out: the default');
};

const quotaBody = z.strictObject({
  spans_per_second: limit('spans_per_second'),
  burst_spans: limit('burst_spans'),
  open_runs: limit('open_runs'),
  stages_per_run: limit('stages_per_run'),
  vendors_per_run: limit('vendors_per_run'),
  parked_bytes: limit('parked_bytes'),
});

export function quotaRoutes(): Route[] {
  return [
    route({
      method: 'get',
      path: '/tenants/:id/quota',
      access: 'read',
      summary: 'What a tenant may take, what it takes, and how often a quota sent requests back until later',
      params: tenantParams,
      answer: tenantQuota,
      handle: ({ params }, { scope }) =>
        scope.read(async (client) =>
          readTenantQuota(client, await requireTenant(client, params.id), scope.tenantId === null),
        ),
    }),
    route({
      method: 'put',
      path: '/tenants/:id/quota',
      access: 'admin',
      summary: 'Sets all limits of a tenant; what is left out has the default. Receivers hold them within 5 s',
      params: tenantParams,
      body: quotaBody,
      answer: tenantQuota,
      handle: ({ params, body }, asked) =>
        asked.scope.change(async (client) => {
          const tenantId = await requireTenant(client, params.id);
          const { limits: before } = await readQuota(client, tenantId);
          await setQuota(client, tenantId, body);
          const changes = changesOf(before, body);
          if (changes !== null) await recordTenantAct(client, asked, 'tenant_quota', tenantId, changes);
          return readTenantQuota(client, tenantId, true);
        }),
    }),
  ];
}

/** For the record of what people did: from and to, each with what changed. null: nothing did. */
export function changesOf(before: QuotaLimits, after: QuotaLimits): Record<'from' | 'to', Partial<QuotaLimits>> | null {
  const changed = QUOTA_NAMES.filter((name) => before[name] !== after[name]);
  if (changed.length === 0) return null;
  const pick = (limits: QuotaLimits) => Object.fromEntries(changed.map((name) => [name, limits[name]]));
  return { from: pick(before), to: pick(after) };
}

/** @param showsParked rows that wait are the operators' to see */
export async function readTenantQuota(client: Queryable, tenantId: number, showsParked: boolean): Promise<TenantQuota> {
  const { limits, runningRuns, held } = await readQuota(client, tenantId);
  const parked = showsParked ? await readParked(client, tenantId) : null;
  return {
    tenant_id: tenantId,
    limits: {
      spans_per_second: limits.spans_per_second,
      burst_spans: limits.spans_per_second === null ? null : burstOf(limits.spans_per_second, limits.burst_spans),
      open_runs: limits.open_runs,
      stages_per_run: limits.stages_per_run ?? LIMITS.stagesPerRun,
      vendors_per_run: limits.vendors_per_run ?? LIMITS.vendorsPerRun,
      parked_bytes: limits.parked_bytes ?? LIMITS.parkedBytes,
    },
    set: QUOTA_NAMES.filter((name) => limits[name] !== null),
    use: { open_runs: runningRuns, parked_rows: parked?.rows ?? null, parked_bytes: parked?.bytes ?? null },
    held,
  };
}

/** Tenants that a quota sent back until later, newest first. @param firstDay UTC day */
export function readHolds(
  client: Queryable,
  tenantId: number | null,
  firstDay: string,
  limitLines: number,
): Promise<TenantHold[]> {
  return readLines<TenantHold>(client, 'queries/serve/quota_holds', [tenantId, firstDay, limitLines]);
}
