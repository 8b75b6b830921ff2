/**
 * Codes for a link that signs in with one click: printed to a terminal and nowhere else, good once and for a quarter of an hour. The link
 * carries the code behind its #, which browsers send to nobody.
 */

import { randomBytes } from 'node:crypto';

const GOOD_MS = 15 * 60_000;
const CODES_MAX = 100;

export interface SignInCodes {
  /** A code that stands for the token. */
  issue(token: string): string;
  /** The token, the first time; null for a code that is unknown, used or too old. */
  redeem(code: string): string | null;
}

export function createSignInCodes(now: () => number = Date.now): SignInCodes {
  const codes = new Map<string, { token: string; untilMs: number }>();
  return {
    issue(token) {
      const code = randomBytes(24).toString('base64url');
      codes.set(code, { token, untilMs: now() + GOOD_MS });
      for (const oldest of codes.keys()) {
        if (codes.size <= CODES_MAX) break;
        codes.delete(oldest);
      }
      return code;
    },
    redeem(code) {
      const found = codes.get(code);
      codes.delete(code);
      return found !== undefined && now() <= found.untilMs ? found.token : null;
    },
  };
}
