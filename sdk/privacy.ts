/**
 * Masking of e-mail addresses in what the SDK writes itself: error messages and JSON log lines. The receiver masks everything again
 * before it stores; this only keeps addresses out of places that the receiver never sees.
 */

import { createHmac, randomBytes } from 'node:crypto';

/** Bounded repetitions keep the match linear on long text without an address. */
const EMAIL = /[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}/g;

/** A key of this process: equal addresses stay equal within one log, and nobody can look one up by guessing. */
const processKey = randomBytes(16);

/** @returns `text` with each e-mail address replaced by `email:` and 16 hex digits, the same for the same address in one process. */
export function maskEmails(text: string): string {
  if (!text.includes('@')) return text;
  return text.replace(EMAIL, (address) => {
    const digest = createHmac('sha256', processKey).update(address.toLowerCase()).digest('hex');
    return `email:${digest.slice(0, 16)}`;
  });
}
