/** Mapping for tests: one span or log record at a time, under a small installation, without a database. */

import type { Attribute, LogRecord, Resource, Scope, Span } from '../../receiver/decode/shape.ts';
import { createMapper } from '../../receiver/map/map.ts';
import type { Outcome } from '../../receiver/map/mapping.ts';
import type { EventRow, MappedChunk } from '../../receiver/map/row.ts';
import type { Principal, Snapshot, Vendor } from '../../receiver/map/snapshot.ts';
import { ATTR } from '../../sdk/attributes.ts';
import { int, span, text } from './otlp.ts';

const VENDORS: (Vendor & { aliases: string[]; hosts: string[] })[] = [
  { name: 'openai', countHttp: false, aliases: [], hosts: ['api.openai.com'] },
  { name: 'google', countHttp: false, aliases: ['gcp.gemini', 'gemini'], hosts: ['aiplatform.googleapis.com'] },
  { name: 'x_ai', countHttp: false, aliases: ['xai'], hosts: ['api.x.ai'] },
  { name: 'hunter', countHttp: true, aliases: ['hunter.io'], hosts: ['api.hunter.io'] },
  { name: 'tavily', countHttp: true, aliases: [], hosts: ['tavily.com'] },
];

/** Tenants 1, 2 and the named one (acme, 2^30) are active, 9 is disabled. */
export function testSnapshot(given: Partial<Snapshot> = {}): Snapshot {
  const vendor = ({ name, countHttp }: Vendor): Vendor => ({ name, countHttp });
  return {
    tenantIdByName: new Map([['acme', 2 ** 30]]),
    activeTenantIds: new Set([0, 1, 2, 2 ** 30]),
    disabledTenantIds: new Set([9]),
    vendorByAlias: new Map(VENDORS.flatMap((one) => [one.name, ...one.aliases].map((alias) => [alias, vendor(one)]))),
    vendorByHost: new Map(VENDORS.flatMap((one) => one.hosts.map((host) => [host, vendor(one)]))),
    prices: [],
    linkHosts: new Set(['smith.langchain.com']),
    attributeAliases: new Map(),
    privacyKey: new Uint8Array(32).fill(7),
    retentionFloorUs: Date.UTC(2025, 0, 1) * 1000,
    ...given,
  };
}

/** An hour after the times of the builders in otlp.ts. */
export const RECEIVED_US = 1_760_003_600_000_000;
export const TENANT_ONE: Principal = { kind: 'tenant', tenantId: 1 };
export const INGEST: Principal = { kind: 'ingest' };

export interface Surroundings {
  principal?: Principal;
  snapshot?: Snapshot;
  receivedAtUs?: number;
  resource?: Attribute[];
  scope?: Attribute[];
}

interface Mapped extends MappedChunk {
  outcomes: Outcome[];
}

const chunkOf = <R>(records: R[], { resource = [], scope = [] }: Surroundings) => ({
  resource: { attributes: resource } satisfies Resource,
  scope: { name: 'test', version: '1', attributes: scope } satisfies Scope,
  records,
  malformed: [],
});

export function mapSpans(spans: Span[], around: Surroundings = {}): Mapped {
  const { principal = TENANT_ONE, snapshot = testSnapshot(), receivedAtUs = RECEIVED_US } = around;
  const outcomes: Outcome[] = [];
  return {
    ...createMapper(snapshot).spans(chunkOf(spans, around), principal, receivedAtUs, outcomes),
    outcomes,
  };
}

export function mapLogs(records: LogRecord[], around: Surroundings = {}): Mapped {
  const { principal = TENANT_ONE, snapshot = testSnapshot(), receivedAtUs = RECEIVED_US } = around;
  const outcomes: Outcome[] = [];
  return {
    ...createMapper(snapshot).logs(chunkOf(records, around), principal, receivedAtUs, outcomes),
    outcomes,
  };
}

/** A child span of run 5 and this kind, in stage crawl. */
export function kindSpan(kind: string, attributes: Attribute[] = [], given: Partial<Span> = {}): Span {
  const own = [text(ATTR.kind, kind), int(ATTR.runId, 5), text(ATTR.stage, 'crawl')];
  return span({ parentSpanId: '00f067aa0ba902b7', name: kind, attributes: [...own, ...attributes], ...given });
}

export const callSpan = (attributes: Attribute[] = [], given: Partial<Span> = {}): Span =>
  kindSpan('vendor_call', [text(ATTR.vendor, 'openai'), ...attributes], given);

/** The main row of the only span. */
export function mainRow(one: Span, around: Surroundings = {}): EventRow {
  const { rows, refusals } = mapSpans([one], around);
  const found = rows.find((row) => row.seq === 1);
  if (found === undefined) throw new Error(`the span makes no row: ${JSON.stringify(refusals)}`);
  return found;
}

export function extraOf(row: EventRow | undefined): Record<string, unknown> {
  return row === undefined || row.extra === null ? {} : (JSON.parse(row.extra) as Record<string, unknown>);
}

export const marksOf = (row: EventRow | undefined): unknown => extraOf(row).marks;
