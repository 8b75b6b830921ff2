/**
 * What one attempt to sign in must remember while the browser is at the provider: sealed in a cookie of its own, so that any receiver can
 * end what another began, that nobody can write one, and that whoever is sent a link to the end of somebody else's attempt has none.
 */

import { hkdfSync, randomBytes } from 'node:crypto';
import { EncryptJWT, jwtDecrypt } from 'jose';
import { z } from 'zod';

export interface Attempt {
  state: string;
  nonce: string;
  /** Of PKCE. */
  verifier: string;
  /** An address of the dashboard. */
  returnTo: string;
  /** Which tenant, where somebody has several; null: not said. */
  tenant: string | null;
  /** The session that the browser had, which ends with this one's beginning: on the way back from another site its cookie is not sent. */
  replaces: string | null;
}

export const ATTEMPT_MINUTES = 10;
const HOME = '/ui/';
const RETURN_CHARS_MAX = 1_500;
const [ALG, ENC] = ['dir', 'A256GCM'] as const;

const random = z.string().length(43);
const attempt = z.object({
  state: random,
  nonce: random,
  verifier: random,
  returnTo: z.string(),
  tenant: z.string().nullable(),
  replaces: z.string().nullable(),
});

export interface AttemptSeal {
  seal(attempt: Attempt): Promise<string>;
  /** null: none, not ours, changed, or too old. */
  open(text: string | null): Promise<Attempt | null>;
}

/** @param installationKey the same for all receivers of a database */
export function createAttemptSeal(installationKey: Uint8Array): AttemptSeal {
  const key = new Uint8Array(hkdfSync('sha256', installationKey, '', 'runledger sign-in attempt', 32));
  return {
    seal: (made) =>
      new EncryptJWT({ ...made })
        .setProtectedHeader({ alg: ALG, enc: ENC })
        .setExpirationTime(`${ATTEMPT_MINUTES}m`)
        .encrypt(key),
    async open(text) {
      if (text === null) return null;
      try {
        const { payload } = await jwtDecrypt(text, key, {
          keyManagementAlgorithms: [ALG],
          contentEncryptionAlgorithms: [ENC],
          requiredClaims: ['exp'],
        });
        return attempt.parse(payload);
      } catch {
        // Whatever is wrong with it, the answer is the same: begin again.
        return null;
      }
    },
  };
}

export function newAttempt(wish: Pick<Attempt, 'returnTo' | 'tenant' | 'replaces'>): Attempt {
  const some = () => randomBytes(32).toString('base64url');
  return { state: some(), nonce: some(), verifier: some(), ...wish };
}

/** The address within the dashboard that `text` names, or its first page: a link must not lead from the sign-in to another site. */
export function safeReturnTo(text: unknown): string {
  if (typeof text !== 'string' || text.length > RETURN_CHARS_MAX || !/^\/ui\/[\x21-\x5b\x5d-\x7e]*$/.test(text))
    return HOME;
  const { pathname, search } = new URL(text, 'http://localhost');
  const isPage = pathname.startsWith(HOME) && !pathname.startsWith(`${HOME}sign-in`);
  return isPage ? pathname + search : HOME;
}
