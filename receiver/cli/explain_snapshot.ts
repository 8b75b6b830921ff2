/** What `explain` knows of the installation: the ledger's own tenants, vendors and prices, or nothing where there is no ledger. */

import type { Command } from 'commander';
import { readFolder } from '../embedded/folder.ts';
import type { Snapshot } from '../map/snapshot.ts';
import { createSnapshotSource } from '../store/snapshot.ts';
import { type CliContext, configOf } from './command.ts';
import { withDatabase } from './database.ts';

const FIRST_NAMED_TENANT = 2 ** 30;

export interface KnownSnapshot {
  snapshot: Snapshot;
  /** True: there was no ledger to read it from. */
  isDefault: boolean;
}

export async function readSnapshot(command: Command, context: CliContext, offline: boolean): Promise<KnownSnapshot> {
  const { databaseUrl, dataDir, linkHosts, eventRetentionDays } = configOf(command);
  const hasLedger = databaseUrl !== null || (await readFolder(dataDir)) !== null;
  if (offline || !hasLedger) return { snapshot: defaultSnapshot(linkHosts, eventRetentionDays), isDefault: true };
  const snapshot = await withDatabase(command, context, async (database) => {
    const pool = database.pool('runledger_ingest');
    const source = await createSnapshotSource(pool, { linkHosts, retentionDays: eventRetentionDays });
    source.close();
    return source.current();
  });
  return { snapshot, isDefault: false };
}

const DAY_MS = 86_400_000;

function defaultSnapshot(linkHosts: readonly string[], retentionDays: number): Snapshot {
  return {
    tenantIdByName: new Map(),
    activeTenantIds: new Set(),
    disabledTenantIds: new Set(),
    vendorByAlias: new Map(),
    vendorByHost: new Map(),
    prices: [],
    linkHosts: new Set(linkHosts),
    attributeAliases: new Map(),
    // Hashes made with it are shown to nobody; 32 bytes because that is what the real key has.
    privacyKey: new Uint8Array(32),
    retentionFloorUs: (Math.floor(Date.now() / DAY_MS) - retentionDays) * DAY_MS * 1000,
  };
}

/** The snapshot in which these tenants are registered, as autocreation would register them. */
export function learnTenants(snapshot: Snapshot, tenants: readonly string[]): Snapshot {
  const tenantIdByName = new Map(snapshot.tenantIdByName);
  const activeTenantIds = new Set(snapshot.activeTenantIds);
  for (const tenant of new Set(tenants)) {
    const isNumber = /^[1-9][0-9]*$/.test(tenant);
    const tenantId = isNumber ? Number(tenant) : FIRST_NAMED_TENANT + tenantIdByName.size;
    if (!isNumber) tenantIdByName.set(tenant, tenantId);
    activeTenantIds.add(tenantId);
  }
  return { ...snapshot, tenantIdByName, activeTenantIds };
}

export function withTenant(snapshot: Snapshot, tenantId: number): Snapshot {
  return { ...snapshot, activeTenantIds: new Set([...snapshot.activeTenantIds, tenantId]) };
}
