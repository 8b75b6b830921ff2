/** RUNLEDGER_OIDC_*: who may sign in to the dashboard at an identity provider, and what each of them may then see. Read by config.ts. */

export interface TenantRule {
  /** What the claim must hold: this text, or one that begins and ends so, what lies between being the tenant. */
  value: string | { before: string; after: string };
  /** A tenant's number or name; null: it stands in the value. */
  tenant: string | null;
  scopes: readonly ('read' | 'review')[];
}

export interface OidcConfig {
  /** As the provider writes it, or but for a slash at its end. */
  issuer: string;
  clientId: string;
  /** null: a public client; the proof of the code's owner (PKCE) is sent either way. */
  clientSecret: string | null;
  /** On the button. */
  name: string;
  scopes: string;
  /** Where people reach the dashboard, without a slash at its end. Never taken from a request. */
  publicUrl: string;
  /** A member of the claims, or a path with dots through them. */
  claim: string;
  admins: readonly string[];
  tenants: readonly TenantRule[];
  sessionMinutes: number;
}

/** The variables as config.ts has checked them one by one. */
export interface OidcValues {
  RUNLEDGER_OIDC_ISSUER?: string | undefined;
  RUNLEDGER_OIDC_CLIENT_ID?: string | undefined;
  RUNLEDGER_OIDC_CLIENT_SECRET?: string | undefined;
  RUNLEDGER_OIDC_NAME: string;
  RUNLEDGER_OIDC_SCOPES: string;
  RUNLEDGER_OIDC_CLAIM: string;
  RUNLEDGER_OIDC_ADMIN?: string | undefined;
  RUNLEDGER_OIDC_TENANTS?: string | undefined;
  RUNLEDGER_OIDC_SESSION_MINUTES: number;
}

export interface OidcPlace {
  publicUrl: string;
  /** Whether the operator named it, and it is not just this machine's. */
  isPublicUrlGiven: boolean;
  listensBeyondLoopback: boolean;
  isLoopback(host: string): boolean;
}

const NEEDS_ISSUER = [
  'RUNLEDGER_OIDC_CLIENT_ID',
  'RUNLEDGER_OIDC_CLIENT_SECRET',
  'RUNLEDGER_OIDC_ADMIN',
  'RUNLEDGER_OIDC_TENANTS',
] as const;

/** @returns null without an issuer; `problems` in words, without values of secrets */
export function readOidc(values: OidcValues, place: OidcPlace): { oidc: OidcConfig | null; problems: string[] } {
  const issuer = values.RUNLEDGER_OIDC_ISSUER;
  if (issuer === undefined) {
    const idle = NEEDS_ISSUER.filter((name) => values[name] !== undefined);
    return { oidc: null, problems: idle.map((name) => `${name}: does nothing without RUNLEDGER_OIDC_ISSUER`) };
  }
  const problems = [...addressProblems(issuer, place)];
  if (values.RUNLEDGER_OIDC_CLIENT_ID === undefined) problems.push('RUNLEDGER_OIDC_CLIENT_ID: is needed for sign-in');
  if (values.RUNLEDGER_OIDC_ADMIN === undefined && values.RUNLEDGER_OIDC_TENANTS === undefined) {
    problems.push('RUNLEDGER_OIDC_ADMIN: nobody could sign in; set it, or RUNLEDGER_OIDC_TENANTS');
  }
  const admins = entriesOf(values.RUNLEDGER_OIDC_ADMIN, 'RUNLEDGER_OIDC_ADMIN', problems, readValue);
  const tenants = entriesOf(values.RUNLEDGER_OIDC_TENANTS, 'RUNLEDGER_OIDC_TENANTS', problems, readTenantRule);
  const oidc = {
    issuer,
    clientId: values.RUNLEDGER_OIDC_CLIENT_ID ?? '',
    clientSecret: values.RUNLEDGER_OIDC_CLIENT_SECRET ?? null,
    name: values.RUNLEDGER_OIDC_NAME,
    scopes: values.RUNLEDGER_OIDC_SCOPES,
    publicUrl: place.publicUrl,
    claim: values.RUNLEDGER_OIDC_CLAIM,
    admins,
    tenants,
    sessionMinutes: values.RUNLEDGER_OIDC_SESSION_MINUTES,
  };
  return { oidc: Object.freeze(oidc), problems };
}

/** Codes and cookies must not travel in the clear, and a redirect address must be the one that the provider knows. */
function addressProblems(issuer: string, { publicUrl, isPublicUrlGiven, ...place }: OidcPlace): string[] {
  const problems: string[] = [];
  if (!isSafe(issuer, place.isLoopback))
    problems.push('RUNLEDGER_OIDC_ISSUER: must be https, unless it is on this machine');
  if (!isPublicUrlGiven && (place.listensBeyondLoopback || new URL(publicUrl).port === '0')) {
    problems.push('RUNLEDGER_PUBLIC_URL: is needed for sign-in, because the provider sends people back to it');
  } else if (!isSafe(publicUrl, place.isLoopback)) {
    problems.push('RUNLEDGER_PUBLIC_URL: must be https for sign-in, unless it is on this machine');
  } else if (new URL(publicUrl).pathname !== '/') {
    problems.push(
      'RUNLEDGER_PUBLIC_URL: must have no path for sign-in; the dashboard answers under /ui of a host of its own',
    );
  }
  return problems;
}

function isSafe(address: string, isLoopback: (host: string) => boolean): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || isLoopback(hostname);
}

/** @param read gives an entry, or words for what is wrong with it */
function entriesOf<T>(
  list: string | undefined,
  name: string,
  problems: string[],
  read: (entry: string) => T | { problem: string },
): readonly T[] {
  const entries = (list ?? '').split(',').map((entry) => entry.trim());
  return entries.flatMap((entry) => {
    if (entry === '') return [];
    const found = read(entry);
    if (typeof found !== 'object' || found === null || !('problem' in found)) return [found as T];
    problems.push(`${name}: ${found.problem}`);
    return [];
  });
}

/** A comma, a percent sign or a star that belongs to a value is written as %2C, %25 or %2A. */
function readValue(text: string): string | { problem: string } {
  if (text.includes('*'))
    return { problem: `${text}: a star stands for a tenant, in RUNLEDGER_OIDC_TENANTS; else write %2A` };
  try {
    return decodeURIComponent(text);
  } catch {
    return { problem: `${text}: a percent sign that belongs to a value is written as %25` };
  }
}

const TENANT_RULE = /^(.+)=([1-9][0-9]{0,9}|[a-z][a-z0-9._-]{0,63}|\*)(?::(read|review))?$/;

function readTenantRule(entry: string): TenantRule | { problem: string } {
  const [, text = '', tenant = '', scope] = TENANT_RULE.exec(entry) ?? [];
  if (text === '')
    return { problem: `${entry} must be value=tenant or value=tenant:review, the tenant a number or a name` };
  const parts = text.split('*');
  if (parts.length !== (tenant === '*' ? 2 : 1)) {
    return { problem: `${entry}: a star in the value stands for the tenant and needs =*, as in runledger-tenant-*=*` };
  }
  const read = parts.map(readValue);
  const wrong = read.find((part) => typeof part === 'object');
  if (wrong !== undefined) return wrong;
  const [before = '', after = ''] = read as string[];
  if (tenant === '*' && before === '' && after === '') {
    return { problem: `${entry} would take any value of the claim for a tenant; put something before the star` };
  }
  return {
    value: tenant === '*' ? { before, after } : before,
    tenant: tenant === '*' ? null : tenant,
    scopes: scope === 'review' ? ['read', 'review'] : ['read'],
  };
}
