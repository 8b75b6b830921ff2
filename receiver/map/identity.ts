/** Whose record it is and which run it belongs to, by its token and its own attributes. */

import { lookUpTenant, nameRun } from './ids.ts';
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
  const value = view.get('run');
  if (value === undefined) return { tenantId: tenant.tenantId, run: null, marks: tenant.marks };
  const run = nameRun(value, mapping.redact);
  if (run !== 'invalid') return { tenantId: tenant.tenantId, run, marks: tenant.marks };
  const message = 'runledger.run.id must be an integer or a text of 1 to 200 characters';
  return { refused: 'invalid_run_id', tenantId: tenant.tenantId, message };
}

function identifyTenant(view: View, mapping: Mapping): { tenantId: number; marks: string[] } | Refused {
  const { principal, snapshot, out } = mapping;
  const tokenTenant = principal.kind === 'tenant' ? principal.tenantId : 0;
  let marks = NO_MARKS;
  let named: number | null = null;

  const stated = view.get('tenant');
  if (stated !== undefined) {
    const found = lookUpTenant(stated, snapshot);
    if (found === 'invalid') {
      return refuse(
        'unknown_tenant',
        tokenTenant,
        'runledger.tenant.id must be an integer from 1 to 2^30-1 or a registered name',
      );
    }
    if ('unknown' in found) {
      if (tokenTenant !== 0) return refuse('other_tenant', tokenTenant, OTHER_TENANT);
      out.unknownTenants.add(found.unknown);
      return refuse('unknown_tenant', 0, UNKNOWN_TENANT);
    }
    named = found.id;
  } else {
    const plain = view.get('plainTenant');
    if (plain !== undefined) {
      const found = lookUpTenant(plain, snapshot);
      if (found !== 'invalid' && 'id' in found) named = found.id;
      else {
        // Cloud directories use tenant.id too; only a number is taken for one of ours that is not registered yet.
        if (found !== 'invalid' && tokenTenant === 0 && /^\d+$/.test(found.unknown))
          out.unknownTenants.add(found.unknown);
        marks = ['tenant.id_ignored'];
      }
    }
  }

  if (tokenTenant !== 0) {
    return named === null || named === tokenTenant
      ? { tenantId: tokenTenant, marks }
      : refuse('other_tenant', tokenTenant, OTHER_TENANT);
  }
  if (named !== null && snapshot.disabledTenantIds.has(named))
    return refuse('disabled_tenant', named, 'the tenant is disabled');
  return { tenantId: named ?? 0, marks };
}

const OTHER_TENANT = "the span names another tenant than its token's";
const UNKNOWN_TENANT =
  'the tenant is not registered: `runledger tenant add`, or set RUNLEDGER_TENANT_AUTOCREATE=1 to register tenants as they come';

function refuse(refused: RefusalReason, tenantId: number, message: string): Refused {
  return { refused, tenantId, message };
}
