/** Credential -> who is sending. Runs before anything of the body is read (access rules: tenant tokens need scope write, admins may not send). */

import { RequestError } from './errors.ts';
import type { Principal } from './map/snapshot.ts';

/** What the token table knows about a token that is valid now. */
export interface VerifiedToken {
  kind: 'tenant' | 'ingest' | 'admin';
  tenantId: number | null;
  scopes: readonly string[];
}

/** Resolves with null for a token that is unknown, expired or revoked; rejects when the database cannot be asked. */
export type VerifyToken = (token: string) => Promise<VerifiedToken | null>;

/** Longer ones are not looked up. */
const TOKEN_CHARS_MAX = 512;

/** Throws `unauthenticated`, `forbidden`, or `unavailable` when the token could not be looked up. */
export async function authenticate(header: string | undefined, verifyToken: VerifyToken): Promise<Principal> {
  const token = bearerToken(header);
  if (token === null) throw new RequestError('unauthenticated');
  const verified = await lookUp(token, verifyToken);
  if (verified === null) throw new RequestError('unauthenticated', 'The token is unknown, expired or revoked');
  if (verified.kind === 'ingest') return { kind: 'ingest' };
  if (verified.kind === 'admin') {
    throw new RequestError('forbidden', 'An admin token may not send telemetry: use a tenant or an ingest token');
  }
  if (!verified.scopes.includes('write') || verified.tenantId === null) {
    throw new RequestError('forbidden', 'This token lacks the scope "write"');
  }
  return { kind: 'tenant', tenantId: verified.tenantId };
}

/** The token of an `Authorization: Bearer` header; the scheme's case does not matter (RFC 9110, section 11.1). */
export function bearerToken(header: string | undefined): string | null {
  const token = /^bearer +([\x21-\x7e]+) *$/i.exec(header ?? '')?.[1];
  return token === undefined || token.length > TOKEN_CHARS_MAX ? null : token;
}

async function lookUp(token: string, verifyToken: VerifyToken): Promise<VerifiedToken | null> {
  try {
    return await verifyToken(token);
  } catch (cause) {
    throw new RequestError('unavailable', 'The token cannot be checked right now: send again later', { cause });
  }
}
