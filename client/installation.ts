/** The installation: tenants and tokens, whose numbers are how, and what people did. */

import type {
  ActLine,
  ActPage,
  MadeToken,
  Me,
  TenantLine,
  TenantQuota,
  TokenLine,
} from '../receiver/serve/shape_admin.ts';
import type { Budgets, TrendCosts } from '../receiver/serve/shape_costs.ts';
import type { IngestHealth, TenantOverview, Trends } from '../receiver/serve/shape_trends.ts';
import { change, type Paged, type PageOptions, readJson, readPaged, split } from './pages.ts';
import type { CallOptions, Send } from './request.ts';
import type { OfTenant, TenantRef } from './runs.ts';

export type {
  ActLine,
  ActPage,
  Budgets,
  IngestHealth,
  MadeToken,
  Me,
  TenantLine,
  TenantOverview,
  TenantQuota,
  TokenLine,
  TrendCosts,
  Trends,
};

export type NewToken =
  | {
      kind: 'tenant';
      tenant: TenantRef;
      scopes?: readonly ('write' | 'read' | 'review')[];
      name?: string;
      expires_at?: string;
    }
  | { kind: 'ingest' | 'admin'; name?: string; expires_at?: string };

export function createTokens(send: Send) {
  return {
    list: (options: CallOptions = {}) => readJson<{ tokens: TokenLine[] }>(send, ['tokens'], options),
    /** The only time that its text is there. */
    create: (token: NewToken, options: CallOptions = {}) =>
      change<MadeToken>(send, { method: 'POST', path: ['tokens'], body: token, given: options }),
    /** Another with the same rights; the old one holds for the grace, by default not at all. */
    rotate: (token: number, what: { grace_minutes?: number } = {}, options: CallOptions = {}) =>
      change<MadeToken>(send, { method: 'POST', path: ['tokens', token, 'rotate'], body: what, given: options }),
    revoke: (token: number, options: CallOptions = {}) =>
      change<void>(send, { method: 'DELETE', path: ['tokens', token], given: options }),
  };
}

/** null, or left out: the default. */
export type QuotaLimits = { [Name in keyof TenantQuota['limits']]?: number | null };

export function createTenants(send: Send) {
  return {
    list: (options: CallOptions = {}) => readJson<{ tenants: TenantLine[] }>(send, ['tenants'], options),
    get: (tenant: TenantRef, options: CallOptions = {}) => readJson<TenantLine>(send, ['tenants', tenant], options),
    overview: (tenant: TenantRef, options: CallOptions = {}) =>
      readJson<TenantOverview>(send, ['tenants', tenant, 'overview'], options),
    /** Registers one, or brings a disabled one back. */
    create: (tenant: TenantRef, options: CallOptions = {}) =>
      change<TenantLine>(send, { method: 'POST', path: ['tenants'], body: { tenant }, given: options }),
    update: (tenant: TenantRef, what: { name?: string; status?: TenantLine['status'] }, options: CallOptions = {}) =>
      change<TenantLine>(send, { method: 'PATCH', path: ['tenants', tenant], body: what, given: options }),
    /** What it may take, what it takes, and how often it was sent back until later. */
    quota: (tenant: TenantRef, options: CallOptions = {}) =>
      readJson<TenantQuota>(send, ['tenants', tenant, 'quota'], options),
    /** Sets all limits: what is left out has the default. */
    setQuota: (tenant: TenantRef, limits: QuotaLimits, options: CallOptions = {}) =>
      change<TenantQuota>(send, { method: 'PUT', path: ['tenants', tenant, 'quota'], body: limits, given: options }),
    /** Its spans and tokens are refused within 5 s; its data stays. */
    disable: (tenant: TenantRef, options: CallOptions = {}) =>
      change<void>(send, { method: 'DELETE', path: ['tenants', tenant], given: options }),
  };
}

export interface TrendsOptions extends OfTenant {
  pipeline?: string;
  environment?: string;
  /** 1 to 104; by default 8. */
  weeks?: number;
  by?: 'run' | 'day';
}

export interface CostsOptions extends OfTenant {
  pipeline?: string;
  environment?: string;
  /** 1 to 104; by default 8. */
  weeks?: number;
  by?: 'day' | 'week' | 'month';
}

export interface ActsOptions extends OfTenant, PageOptions {
  act?: string;
  object?: string;
}

export interface Readiness {
  ready: boolean;
  /** What was looked at, and `ok` or what is wrong with it. */
  checks: Record<string, string>;
}

export function createInstallation(send: Send) {
  const text = async (path: readonly string[], options: OfTenant): Promise<string> =>
    (await send({ method: 'GET', path, ...split(options) })).text();
  return {
    /** Whose token it is and what it may do. */
    me: (options: CallOptions = {}) => readJson<Me>(send, ['me'], options),
    trends: (options: TrendsOptions = {}) => readJson<Trends>(send, ['trends'], options),
    /** What vendors and models cost, and in as long a time before. */
    costs: (options: CostsOptions = {}) => readJson<TrendCosts>(send, ['trends', 'costs'], options),
    /** What is spent of each, what is over first. */
    budgets: (options: OfTenant = {}) => readJson<Budgets>(send, ['budgets'], options),
    /** What people did, newest first. */
    acts: (options: ActsOptions = {}): Paged<ActPage, ActLine> =>
      readPaged(send, ['acts'], options, (page: ActPage) => page.acts),
    ingestHealth: (options: CallOptions = {}) => readJson<IngestHealth>(send, ['ingest', 'health'], options),
    /** Prometheus text of the latest runs. */
    tenantMetrics: (options: OfTenant = {}) => text(['metrics', 'tenants'], options),
    /** Prometheus text of the receiver itself. */
    metrics: (options: CallOptions = {}) => text(['metrics'], options),
    /** Resolves when it can work; else the error's members hold the checks. Tried again as other reads are. */
    ready: (options: CallOptions = {}) => readJson<Readiness>(send, ['readyz'], options),
    /** That the process answers. */
    alive: (options: CallOptions = {}) => readJson<{ status: 'ok' }>(send, ['healthz'], options),
    /** The description of every route (OpenAPI 3.1). */
    openapi: (options: CallOptions = {}) => readJson<Record<string, unknown>>(send, ['openapi.json'], options),
  };
}
