/**
 * Masking of e-mail addresses in what the SDK writes itself: error messages and JSON log lines. The receiver masks everything again
 * before it stores; this only keeps addresses out of places that the receiver never sees.
 */

import { createHmac, randomBytes } from 'node:crypto';

/**
 * Everything that a local part may hold unquoted, letters of any script, and none of the characters that JSON text is built from.
 * Bounded repetitions keep the match linear on long text without an address.
 */
const EMAIL = /[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/gu;

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
