/** From the claims of somebody whom the provider vouches for to what they may see here: nothing, unless the configuration says so. */

import type { OidcConfig, TenantRule } from '../config_oidc.ts';
import type { Scope } from '../store/tokens.ts';

export type Access =
  | { kind: 'admin' }
  /** By the tenant's number or name; at least one. */
  | { kind: 'tenants'; scopes: ReadonlyMap<string, readonly Scope[]> }
  | { kind: 'none'; why: 'no_claim' | 'no_access' | 'unverified_email' };

const VALUES_MAX = 2_000;
const TENANT_REF = /^([1-9][0-9]{0,9}|[a-z][a-z0-9._-]{0,63})$/;
const NAME_CHARS_MAX = 60;

export function accessOf(claims: object, settings: Pick<OidcConfig, 'claim' | 'admins' | 'tenants'>): Access {
  const values = valuesAt(claims, settings.claim);
  if (values === null) return { kind: 'none', why: 'no_claim' };
  // Where anybody can write any address into their account, an address says nothing.
  if (settings.claim === 'email' && memberOf(claims, 'email_verified') !== true) {
    return { kind: 'none', why: 'unverified_email' };
  }
  if (settings.admins.some((admin) => values.includes(admin))) return { kind: 'admin' };
  const scopes = new Map<string, readonly Scope[]>();
  for (const rule of settings.tenants) {
    for (const tenant of tenantsOf(rule, values)) {
      const before = scopes.get(tenant) ?? [];
      scopes.set(tenant, before.length > rule.scopes.length ? before : rule.scopes);
    }
  }
  return scopes.size === 0 ? { kind: 'none', why: 'no_access' } : { kind: 'tenants', scopes };
}

function tenantsOf({ value, tenant }: TenantRule, values: readonly string[]): string[] {
  if (typeof value === 'string') return tenant !== null && values.includes(value) ? [tenant] : [];
  const { before, after } = value;
  return values
    .filter((text) => text.length > before.length + after.length && text.startsWith(before) && text.endsWith(after))
    .map((text) => text.slice(before.length, text.length - after.length))
    .filter((text) => TENANT_REF.test(text));
}

/** Texts of a claim, be it one or a list; null: the provider did not send it. A name with dots in it is tried as it stands first. */
export function valuesAt(claims: object, path: string): string[] | null {
  const whole = memberOf(claims, path);
  const found = whole ?? path.split('.').reduce<unknown>((at, name) => memberOf(at, name), claims);
  if (typeof found === 'string') return [found];
  if (!Array.isArray(found)) return null;
  return found.slice(0, VALUES_MAX).filter((value) => typeof value === 'string');
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

const NAMES = ['name', 'preferred_username', 'nickname'] as const;

/** What somebody is called, in one line without signs that turn or hide text; null: the claims have no name. */
export function nameOf(claims: object): string | null {
  for (const member of NAMES) {
    const value = memberOf(claims, member);
    if (typeof value !== 'string') continue;
    const name = value
      .slice(0, 500)
      .replace(/[\p{C}\p{Z}]+/gu, ' ')
      .trim();
    if (name !== '') return [...name].slice(0, NAME_CHARS_MAX).join('');
  }
  return null;
}
