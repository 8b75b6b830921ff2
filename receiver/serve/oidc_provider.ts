/**
 * The identity provider: found by its discovery document, then asked for people (authorization code with PKCE). openid-client speaks the
 * protocol and checks its answers; signatures of ID tokens are checked here by jose as well, with keys that are fetched again when one is not known.
 */

import { createRemoteJWKSet, type JWTPayload, customFetch as jwksFetch, jwtVerify } from 'jose';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  type ClientAuth,
  ClientSecretPost,
  type Configuration,
  calculatePKCECodeChallenge,
  clockTolerance,
  customFetch,
  discovery,
  fetchUserInfo,
  None,
} from 'openid-client';
import type { OidcConfig } from '../config_oidc.ts';
import type { Attempt } from './oidc_attempt.ts';
import { askProvider, assertSafeAddress, ProviderError, whyNot } from './oidc_fetch.ts';

export type Claims = JWTPayload & { sub: string };

export interface Provider {
  /** Where the browser goes to sign in. */
  authorizationUrl(attempt: Attempt): Promise<string>;
  /** From the address that the browser came back with to who it is; `isEnough`: whether the ID token's claims say all that is needed. */
  exchange(search: URLSearchParams, attempt: Attempt, isEnough: (claims: Claims) => boolean): Promise<Claims>;
  /** Where the browser goes to sign out there too; null: the provider has no such address. */
  signOutUrl(): string | null;
}

/** Signatures by a key that only the provider has: neither none nor HMAC, whose key would be the client's secret. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const TOLERANCE_S = 60;
const TIMEOUT_S = 5;
/** Keys are asked for again at once when a token names another one; the provider alone decides that, so no stranger can cause it. */
const KEYS_COOLDOWN_MS = 1_000;

/** @throws when the provider does not answer, or not as itself */
export async function findProvider(settings: OidcConfig): Promise<Provider> {
  const issuer = new URL(settings.issuer);
  const config = await discovery(
    issuer,
    settings.clientId,
    { ...(settings.clientSecret !== null && { client_secret: settings.clientSecret }), [clockTolerance]: TOLERANCE_S },
    clientAuth(settings.clientSecret),
    {
      [customFetch]: askProvider,
      timeout: TIMEOUT_S,
      // Which addresses may go without TLS is for askProvider to say.
      ...(issuer.protocol === 'http:' && { execute: [allowInsecureRequests] }),
    },
  );
  const found = config.serverMetadata();
  // A provider for all organisations (Entra's "common") writes another issuer, and would let anybody's account in.
  if (new URL(found.issuer).href !== issuer.href) throw new ProviderError('it says that its issuer is another one');
  for (const endpoint of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const) {
    const address = found[endpoint];
    if (address === undefined) throw new ProviderError(`its discovery document has no ${endpoint}`);
    assertSafeAddress(address);
  }
  if (found.end_session_endpoint !== undefined) assertSafeAddress(found.end_session_endpoint);
  return providerOf(config, settings);
}

/** Basic is what a client uses unless the provider says that it cannot (OpenID Connect Discovery, token_endpoint_auth_methods_supported). */
function clientAuth(secret: string | null): ClientAuth {
  if (secret === null) return None();
  const post = ClientSecretPost(secret);
  return (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    if (!methods.includes('client_secret_basic') && methods.includes('client_secret_post')) {
      post(server, client, body, headers);
      return;
    }
    // openid-client would write a dash as %2D too, which providers that forget to decode take for another client; every id of Entra has dashes.
    const pair = [client.client_id, secret].map((text) => encodeURIComponent(text).replaceAll('%20', '+')).join(':');
    headers.set('authorization', `Basic ${Buffer.from(pair).toString('base64')}`);
  };
}

function providerOf(config: Configuration, settings: OidcConfig): Provider {
  const { issuer, jwks_uri: keysUrl = '', end_session_endpoint, userinfo_endpoint } = config.serverMetadata();
  const redirectUrl = `${settings.publicUrl}/oidc/callback`;
  const keys = createRemoteJWKSet(new URL(keysUrl), {
    [jwksFetch]: askProvider,
    cooldownDuration: KEYS_COOLDOWN_MS,
    timeoutDuration: TIMEOUT_S * 1000,
  });
  return {
    async authorizationUrl({ state, nonce, verifier }) {
      const url = buildAuthorizationUrl(config, {
        redirect_uri: redirectUrl,
        scope: settings.scopes,
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      });
      return url.href;
    },
    async exchange(search, attempt, isEnough) {
      const cameBack = new URL(redirectUrl);
      cameBack.search = search.toString();
      const tokens = await authorizationCodeGrant(config, cameBack, {
        pkceCodeVerifier: attempt.verifier,
        expectedState: attempt.state,
        expectedNonce: attempt.nonce,
        idTokenExpected: true,
      });
      const { payload } = await jwtVerify(tokens.id_token ?? '', keys, {
        issuer,
        audience: settings.clientId,
        algorithms: ALGORITHMS,
        clockTolerance: TOLERANCE_S,
        requiredClaims: ['sub', 'exp', 'iat', 'nonce'],
      });
      if (payload.nonce !== attempt.nonce) throw new ProviderError('its ID token has another nonce');
      if (payload.azp !== undefined && payload.azp !== settings.clientId) {
        throw new ProviderError('its ID token was made for another client');
      }
      const claims = payload as Claims;
      if (userinfo_endpoint === undefined || isEnough(claims)) return claims;
      const more = await fetchUserInfo(config, tokens.access_token, claims.sub);
      return { ...more, ...claims };
    },
    signOutUrl() {
      if (end_session_endpoint === undefined) return null;
      return buildEndSessionUrl(config, { post_logout_redirect_uri: `${settings.publicUrl}/ui/sign-in` }).href;
    },
  };
}

/** The provider as far as it is known: looked for when it is needed, again after an hour, and after a failure not more often than now and then. */
export interface ProviderFinder {
  /** @throws what findProvider throws */
  get(): Promise<Provider>;
  /** The one that was found last, without looking. */
  known(): Provider | null;
  /** Why there is none; null while there is one, or it is looked for. */
  trouble(): string | null;
}

const FRESH_MS = 3_600_000;
const RETRY_MS = 5_000;

export function createProviderFinder(
  find: () => Promise<Provider>,
  onTrouble: (why: string) => void,
  now: () => number = () => performance.now(),
): ProviderFinder {
  let provider: Provider | null = null;
  let looking: Promise<Provider> | null = null;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let failure: unknown = null;
  const look = () => {
    lookedAtMs = now();
    return find()
      .then((found) => {
        provider = found;
        failure = null;
        return found;
      })
      .catch((error: unknown) => {
        if (whyNot(error) !== whyNot(failure)) onTrouble(whyNot(error));
        failure = error;
        // Its addresses rarely change: the old ones are better than none.
        if (provider !== null) return provider;
        throw error;
      })
      .finally(() => {
        looking = null;
      });
  };
  return {
    async get() {
      const ageMs = now() - lookedAtMs;
      if (provider !== null && failure === null && ageMs < FRESH_MS) return provider;
      if (looking === null && failure !== null && ageMs < RETRY_MS) {
        if (provider !== null) return provider;
        throw failure;
      }
      looking ??= look();
      return looking;
    },
    known: () => provider,
    trouble: () => (provider === null && failure !== null ? whyNot(failure) : null),
  };
}
