/**
 * Everything about this installation that mapping needs, read from the database by store/ and handed over as one immutable value, so
 * that map/ does no I/O and one request sees one state of the world.
 */

export interface Vendor {
  name: string;
  /** Whether a plain HTTP CLIENT span to one of its hosts is a vendor call (false for LLM providers: their GenAI span is the call). */
  countHttp: boolean;
}

/** A price in US dollars per one of `unit`; amounts are decimal text. */
export interface Price {
  id: string;
  /** null: for every tenant. */
  tenantId: number | null;
  vendor: string;
  /** null: any model. */
  model: string | null;
  unit: 'call' | 'unit' | 'token_input' | 'token_output';
  amountUsd: string;
  /** Valid from, microseconds since the epoch, inclusive. */
  fromUs: number;
}

export interface Snapshot {
  tenantIdByName: ReadonlyMap<string, number>;
  /** Registered tenants that may send. */
  activeTenantIds: ReadonlySet<number>;
  disabledTenantIds: ReadonlySet<number>;
  /** Lower-case vendor name or alias -> canonical vendor. */
  vendorByAlias: ReadonlyMap<string, Vendor>;
  /** Lower-case host, or a domain whose subdomains match too -> vendor. */
  vendorByHost: ReadonlyMap<string, Vendor>;
  /** Own prices; they win over the built-in LLM list. Newest first per (vendor, model, unit). */
  prices: readonly Price[];
  /** Hosts allowed in langsmith_trace_url besides loopback. */
  linkHosts: ReadonlySet<string>;
  /** Attribute names that this deployment adds: lower-case foreign key -> `runledger.*` key. */
  attributeAliases: ReadonlyMap<string, string>;
  /** HMAC key for e-mail addresses (one per database, runledger.settings). */
  privacyKey: Uint8Array;
  /** Oldest day that is still accepted, microseconds since the epoch at 00:00 UTC. */
  retentionFloorUs: number;
}

/** Who sent the request, from its token. */
export type Principal = { kind: 'tenant'; tenantId: number } | { kind: 'ingest' };

export interface MapContext {
  snapshot: Snapshot;
  principal: Principal;
  /** Server time when the request arrived, microseconds since the epoch. */
  receivedAtUs: number;
}
