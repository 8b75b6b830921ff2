/**
 * Sign-in at an identity provider (OpenID Connect), beside tokens:
 *
 *   /oidc/start -> the provider -> /oidc/callback -> claims -> what the configuration gives them -> a row among the tokens -> the cookie
 *
 * The row is a token like any other from then on, with a person's name and an end; `use` of session.ts puts it where tokens are looked for.
 */

import { createHash, createHmac } from 'node:crypto';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { OidcConfig } from '../config_oidc.ts';
import { inTransaction } from '../store/pool.ts';
import { findActiveTenants, openSignIn } from '../store/sign_ins.ts';
import type { Scope } from '../store/tokens.ts';
import { recordAct } from './act.ts';
import { accessOf, nameOf, valuesAt } from './oidc_access.ts';
import { type Attempt, type AttemptSeal, createAttemptSeal, newAttempt } from './oidc_attempt.ts';
import { whyNot } from './oidc_fetch.ts';
import { type Claims, createProviderFinder, findProvider } from './oidc_provider.ts';
import { newSessionValue } from './session_cookie.ts';
import type { SignInOffer, SignInTrouble } from './shape_session.ts';
import { createStoredKey } from './stored_key.ts';

export interface OidcDeps {
  settings: OidcConfig;
  /** Of the installation: the same for all receivers of a database. */
  privacyKey: Uint8Array;
}

export interface OidcSurroundings extends OidcDeps {
  /** Speaks as runledger_operator. */
  operators: pg.Pool;
  log: Logger;
}

/** Signed in, with what the cookie is to hold; or not, and why. */
export type SignInEnd =
  | { ok: true; value: string; maxAgeMs: number }
  | { ok: false; trouble: SignInTrouble; tenants?: readonly string[] };

export interface Oidc {
  settings: OidcConfig;
  seal: AttemptSeal;
  /** For the page, without waiting for the provider. */
  offer(): SignInOffer;
  /** `ok`, or why people cannot sign in at the provider. */
  state(): string;
  /** @returns an attempt, and where the browser goes with it */
  begin(wish: Parameters<typeof newAttempt>[0]): Promise<{ attempt: Attempt; url: string }>;
  /** @param search of the address that the browser came back with; its state is the attempt's */
  end(search: URLSearchParams, attempt: Attempt): Promise<SignInEnd>;
  /** The token that a cookie stands for, if it stands for one. */
  tokenOf(value: string): string;
  /** Where the browser goes to sign out at the provider too. */
  signOutUrl(): string | null;
}

const EXCHANGES_AT_ONCE = 8;
/** Of an error answer that says: the person, or whoever administers the provider, does not want this. */
const DENIED = new Set(['access_denied', 'login_required', 'consent_required', 'interaction_required']);
/** The provider is away, rather than answering what it should not. */
const AWAY = /^(no answer|E(?!RR_)[A-Z]|UND_ERR|OAUTH_RESPONSE_IS_NOT|CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/;

export function createOidc(around: OidcSurroundings): Oidc {
  const { settings, log } = around;
  const finder = createProviderFinder(
    () => findProvider(settings),
    (why) => log.warn({ issuer: settings.issuer, why }, 'people cannot sign in at the identity provider'),
  );
  const look = () => void finder.get().catch(() => undefined);
  look();
  const tokenOf = tokenMaker(around);
  let exchanges = 0;

  const refuse = (trouble: SignInTrouble, why: string, more: { tenants?: readonly string[] } = {}): SignInEnd => {
    log.warn({ trouble, why }, 'a sign-in at the identity provider was refused');
    return { ok: false, trouble, ...more };
  };
  const identify = async (search: URLSearchParams, attempt: Attempt) => {
    const isEnough = (claims: Claims) => valuesAt(claims, settings.claim) !== null && nameOf(claims) !== null;
    return (await finder.get()).exchange(search, attempt, isEnough);
  };

  return {
    settings,
    seal: createAttemptSeal(around.privacyKey),
    offer() {
      look();
      return { name: settings.name, href: `${settings.publicUrl}/oidc/start`, trouble: finder.trouble() };
    },
    state() {
      look();
      return finder.trouble() ?? (finder.known() === null ? 'looking for the identity provider' : 'ok');
    },
    async begin(wish) {
      const attempt = newAttempt(wish);
      return { attempt, url: await (await finder.get()).authorizationUrl(attempt) };
    },
    async end(search, attempt) {
      // Whoever begins many attempts must not make us ask the provider without bounds.
      if (exchanges >= EXCHANGES_AT_ONCE) return refuse('busy', 'too many at once');
      exchanges++;
      let claims: Claims;
      try {
        claims = await identify(search, attempt);
      } catch (error) {
        const why = whyNot(error);
        return refuse(DENIED.has(why) ? 'denied' : AWAY.test(why) ? 'away' : 'not_believed', why);
      } finally {
        exchanges--;
      }
      return admit(around, tokenOf, claims, attempt, refuse);
    },
    tokenOf,
    signOutUrl: () => finder.known()?.signOutUrl() ?? null,
  };
}

/**
 * The cookie is not the token: the token also depends on who may see what, so that whoever changes that in the configuration signs everybody
 * out who was let in before, and so that a cookie is good for nothing but being a cookie.
 */
function tokenMaker({ settings, privacyKey }: OidcDeps): (value: string) => string {
  const { issuer, clientId, claim, admins, tenants } = settings;
  const rules = createHash('sha256')
    .update(JSON.stringify([issuer, clientId, claim, admins, tenants]))
    .digest();
  return (value) =>
    `rls_${createHmac('sha256', privacyKey).update('sign-in').update(rules).update(value).digest('base64url')}`;
}

async function admit(
  { settings, privacyKey, operators, log }: OidcSurroundings,
  tokenOf: (value: string) => string,
  claims: Claims,
  attempt: Attempt,
  refuse: (trouble: SignInTrouble, why: string, more?: { tenants?: readonly string[] }) => SignInEnd,
): Promise<SignInEnd> {
  const access = accessOf(claims, settings);
  if (access.kind === 'none') return refuse(access.why, `claim ${settings.claim}`);
  let place: { tenantId: number | null; scopes: readonly Scope[] } = { tenantId: null, scopes: [] };
  if (access.kind === 'tenants') {
    const active = await findActiveTenants(operators, [...access.scopes.keys()]);
    const refs = [...active.keys()].sort((a, b) => (active.get(a) ?? 0) - (active.get(b) ?? 0));
    const chosen = refs.length === 1 ? refs[0] : refs.find((ref) => ref === attempt.tenant);
    if (refs.length === 0) return refuse('no_tenant', 'none of the tenants is active');
    if (chosen === undefined) return { ok: false, trouble: 'choose', tenants: refs.slice(0, 50) };
    place = { tenantId: active.get(chosen) ?? 0, scopes: access.scopes.get(chosen) ?? [] };
  }
  const subject = createHmac('sha256', privacyKey)
    .update(`${settings.issuer} ${claims.sub}`)
    .digest('hex')
    .slice(0, 12);
  // A name that is an address is stored as every address is.
  const person = createStoredKey(privacyKey)(nameOf(claims) ?? `person ${subject}`);
  const value = newSessionValue();
  const name = `${person} (sign-in ${subject})`;
  const { sessionMinutes: minutes } = settings;
  const tokenId = await inTransaction(operators, async (client) => {
    const opened = await openSignIn(client, { ...place, person, name, minutes, token: tokenOf(value) });
    if (opened === null) return null;
    const kind = place.tenantId === null ? 'admin' : 'tenant';
    const caller = { kind, ...place, tokenId: opened, name, person } as const;
    const act = { tenantId: place.tenantId ?? 0, by: person, act: 'sign_in', object: 'dashboard' };
    await recordAct(client, caller, act, new Date());
    return opened;
  });
  if (tokenId === null) return refuse('no_tenant', 'the tenant is not active');
  log.info({ sign_in: tokenId, tenant_id: place.tenantId }, 'somebody signed in at the identity provider');
  return { ok: true, value, maxAgeMs: minutes * 60_000 };
}
