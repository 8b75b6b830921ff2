/** Whose record it is and which run it belongs to, by its token and its own attributes. */

import type { Value } from '../decode/shape.ts';
import { FIELD } from './fields.ts';
import { lookUpTenant } from './ids.ts';
import type { Mapping } from './mapping.ts';
import type { RefusalReason, RunName } from './row.ts';
import type { View } from './view.ts';

export interface Identity {
  /** 0: an ingest token and no tenant named. */
  tenantId: number;
  run: RunName;
  /** Marks for extra. */
  marks: string[];
}

export interface Refused {
  refused: RefusalReason;
  tenantId: number;
  message: string;
}

const NO_MARKS: string[] = [];

export function identify(view: View, mapping: Mapping): Identity | Refused {
  const tenant = identifyTenant(view, mapping);
  if ('refused' in tenant) return tenant;
  const value = view.get(FIELD.run);
  if (value === undefined) return { tenantId: tenant.tenantId, run: null, marks: tenant.marks };
  const run = mapping.runNames(value);
  if (run !== 'invalid') return { tenantId: tenant.tenantId, run, marks: tenant.marks };
  const message = 'runledger.run.id must be an integer or a text of 1 to 200 characters';
  return { refused: 'invalid_run_id', tenantId: tenant.tenantId, message };
}

interface TenantFound {
  tenantId: number;
  marks: string[];
}

function identifyTenant(view: View, mapping: Mapping): TenantFound | Refused {
  const { principal, snapshot } = mapping;
  const tokenTenant = principal.kind === 'tenant' ? principal.tenantId : 0;
  const named = namedTenant(view, tokenTenant, mapping);
  if ('refused' in named) return named;
  if (tokenTenant !== 0 && named.tenantId !== 0 && named.tenantId !== tokenTenant)
    return refuse('other_tenant', tokenTenant, OTHER_TENANT);
  const tenantId = tokenTenant !== 0 ? tokenTenant : named.tenantId;
  if (snapshot.disabledTenantIds.has(tenantId)) return refuse('disabled_tenant', tenantId, 'the tenant is disabled');
  return { tenantId, marks: named.marks };
}

/** The tenant that the nearest of span, scope and resource names; 0 when none does. */
function namedTenant(view: View, tokenTenant: number, mapping: Mapping): TenantFound | Refused {
  const own = view.own.fields[FIELD.tenant];
  if (own !== undefined) return statedTenant(own, tokenTenant, NO_MARKS, mapping);
  let marks = NO_MARKS;
  for (const { fields } of [view.own, view.scope, view.resource]) {
    const stated = fields[FIELD.tenant];
    if (stated !== undefined) return statedTenant(stated, tokenTenant, marks, mapping);
    const plain = fields[FIELD.plainTenant];
    if (plain === undefined) continue;
    const found = lookUpTenant(plain, mapping.snapshot);
    if (found !== 'invalid' && 'id' in found) return { tenantId: found.id, marks };
    // Cloud directories use tenant.id too; only a number is taken for one of ours that is not registered yet.
    if (found !== 'invalid' && tokenTenant === 0 && /^[1-9]/.test(found.unknown))
      mapping.out.unknownTenants.add(found.unknown);
    marks = ['tenant.id_ignored'];
  }
  return { tenantId: 0, marks };
}

function statedTenant(stated: Value, tokenTenant: number, marks: string[], mapping: Mapping): TenantFound | Refused {
  const found = lookUpTenant(stated, mapping.snapshot);
  if (found === 'invalid') return refuse('unknown_tenant', tokenTenant, INVALID_TENANT);
  if ('id' in found) return { tenantId: found.id, marks };
  // A token can be younger than the snapshot: its own tenant needs no look.
  if (found.unknown === String(tokenTenant)) return { tenantId: tokenTenant, marks };
  const refusal =
    tokenTenant === 0 ? refuse('unknown_tenant', 0, UNKNOWN_TENANT) : refuse('other_tenant', tokenTenant, OTHER_TENANT);
  // A number says by itself that it is not the token's tenant; a name may be it, registered a moment ago.
  if (tokenTenant !== 0 && /^[1-9]/.test(found.unknown)) return refusal;
  // A token or an address in the wrong place must not become a tenant's name.
  if (mapping.redact(found.unknown) !== found.unknown)
    return tokenTenant === 0 ? refuse('unknown_tenant', 0, INVALID_TENANT) : refusal;
  mapping.out.unknownTenants.add(found.unknown);
  return refusal;
}

const INVALID_TENANT = 'runledger.tenant.id must be an integer from 1 to 2^30-1 or a registered name';
const OTHER_TENANT = "the span names another tenant than its token's";
const UNKNOWN_TENANT =
  'the tenant is not registered: `runledger tenant add`, or set RUNLEDGER_TENANT_AUTOCREATE=1 to register tenants as they come';

function refuse(refused: RefusalReason, tenantId: number, message: string): Refused {
  return { refused, tenantId, message };
}
