/** An identity provider on loopback that signs in whoever it is told to, honestly or with one thing wrong: OpenID Connect with real keys. */

import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';

export const CLIENT_ID = 'runledger-test';
export const CLIENT_SECRET = 'secret-of-the-client-at-the-provider';

interface Key {
  kid: string;
  private: CryptoKey;
  public: CryptoKey;
}

/** What is wrong with the provider; all of it is null or absent by default. */
export interface Malice {
  /** Changes the claims before they are signed. */
  claims?: (claims: JWTPayload) => JWTPayload;
  /** Makes the ID token out of claims. */
  sign?: (claims: JWTPayload, key: Key) => Promise<string>;
  /** Answers instead of the provider, by path. */
  answer?: Record<string, (response: ServerResponse) => void>;
  /** Changes the discovery document. */
  discovery?: (document: Record<string, unknown>) => Record<string, unknown>;
  /** Sends the browser back with an error instead of a code. */
  error?: string;
}

export interface IdentityProvider {
  issuer: string;
  /** Claims of whoever signs in next, beside `sub`. */
  person: Record<string, unknown>;
  /** Claims that only the userinfo endpoint tells. */
  userinfo: Record<string, unknown>;
  malice: Malice;
  /** Paths that were asked for, in order. */
  asked: string[];
  /** Texts that must never be seen elsewhere: codes, tokens, and what came with them. */
  secrets: string[];
  rotateKey(): Promise<void>;
  close(): Promise<void>;
}

interface Grant {
  nonce: string;
  challenge: string;
  redirectUri: string;
}

export async function startIdentityProvider(): Promise<IdentityProvider> {
  const grants = new Map<string, Grant>();
  let key = await newKey();
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider: IdentityProvider = {
    issuer,
    person: {},
    userinfo: {},
    malice: {},
    asked: [],
    secrets: [CLIENT_SECRET],
    async rotateKey() {
      key = await newKey();
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };

  const json = (response: ServerResponse, body: unknown, status = 200) =>
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', issuer);
    provider.asked.push(url.pathname);
    const other = provider.malice.answer?.[url.pathname];
    if (other !== undefined) return other(response);
    if (url.pathname === '/.well-known/openid-configuration') json(response, discovery());
    else if (url.pathname === '/authorize') authorize(url, response);
    else if (url.pathname === '/token') await giveTokens(request, response);
    else if (url.pathname === '/userinfo') json(response, { sub: 'subject-1', ...provider.userinfo });
    else if (url.pathname === '/logout') {
      response.writeHead(302, { Location: url.searchParams.get('post_logout_redirect_uri') ?? '/' }).end();
    } else if (url.pathname === '/keys') json(response, { keys: [await publicKey()] });
    else response.writeHead(404).end();
  }

  function discovery(): Record<string, unknown> {
    const document = {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/userinfo`,
      jwks_uri: `${issuer}/keys`,
      end_session_endpoint: `${issuer}/logout`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      // What real ones list, the weak ones too: it is for the client to refuse them.
      id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'],
    };
    return provider.malice.discovery?.(document) ?? document;
  }

  async function publicKey() {
    return { ...(await exportJWK(key.public)), kid: key.kid, alg: 'RS256', use: 'sig' };
  }

  function authorize(url: URL, response: ServerResponse): void {
    const asked = Object.fromEntries(url.searchParams);
    const back = new URL(asked.redirect_uri ?? '');
    const code = randomBytes(16).toString('hex');
    const isGood =
      asked.response_type === 'code' && asked.client_id === CLIENT_ID && asked.code_challenge_method === 'S256';
    if (!isGood || asked.nonce === undefined || asked.code_challenge === undefined)
      return void response.writeHead(400).end();
    const { nonce, code_challenge: challenge } = asked;
    grants.set(code, { nonce, challenge, redirectUri: back.href });
    provider.secrets.push(code);
    if (provider.malice.error === undefined) back.searchParams.set('code', code);
    else back.searchParams.set('error', provider.malice.error);
    back.searchParams.set('state', asked.state ?? '');
    response.writeHead(302, { Location: back.href }).end();
  }

  async function giveTokens(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const body = new URLSearchParams(text);
    const basic = Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString('base64');
    if (request.headers.authorization !== `Basic ${basic}`)
      return void json(response, { error: 'invalid_client' }, 401);
    const code = body.get('code') ?? '';
    const grant = grants.get(code);
    grants.delete(code);
    const challenge = createHash('sha256')
      .update(body.get('code_verifier') ?? '')
      .digest('base64url');
    if (grant?.challenge !== challenge || grant.redirectUri !== body.get('redirect_uri')) {
      return void json(response, { error: 'invalid_grant', error_description: `No such code: ${code}` }, 400);
    }
    const nowS = Math.floor(Date.now() / 1000);
    const honest = { iss: issuer, aud: CLIENT_ID, sub: 'subject-1', iat: nowS, exp: nowS + 300, nonce: grant.nonce };
    const claims = { ...honest, ...provider.person };
    const signed = provider.malice.claims?.(claims) ?? claims;
    const idToken = await (provider.malice.sign ?? signWithKey)(signed, key);
    const accessToken = randomBytes(24).toString('hex');
    provider.secrets.push(idToken, accessToken, body.get('code_verifier') ?? '');
    json(response, { access_token: accessToken, token_type: 'Bearer', id_token: idToken, expires_in: 300 });
  }

  return provider;
}

async function newKey(): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  return { kid: randomBytes(8).toString('hex'), private: privateKey, public: publicKey };
}

export function signWithKey(claims: JWTPayload, key: Key): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: key.kid }).sign(key.private);
}

/** A signature that fits under the name of a key that it was not made with. */
export async function signWithAnotherKey(claims: JWTPayload, key: Key): Promise<string> {
  return signWithKey(claims, { ...(await newKey()), kid: key.kid });
}

export async function leaveUnsigned(claims: JWTPayload): Promise<string> {
  return new UnsecuredJWT(claims).encode();
}

/** The confusion of old libraries: the text of the public key taken for the secret of an HMAC. */
export async function signWithPublicKeyText(claims: JWTPayload, key: Key): Promise<string> {
  const secret = new TextEncoder().encode(await exportSPKI(key.public));
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: key.kid }).sign(secret);
}

/** HMAC with what the client and the provider both know. */
export function signWithClientSecret(claims: JWTPayload, key: Key): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: key.kid })
    .sign(new TextEncoder().encode(CLIENT_SECRET));
}
