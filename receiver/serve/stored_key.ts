/** Run keys as they are stored: what names a person or opens a door is replaced, so that whoever asks by the key as it was sent finds its run. */

import { createRedactor } from '../map/privacy.ts';
import { cleanText } from '../map/text.ts';
import type { StoredKey } from './input.ts';

/** @param privacyKey of this installation */
export function createStoredKey(privacyKey: Uint8Array): StoredKey {
  const { identity } = createRedactor(privacyKey);
  return (key) => identity(cleanText(key));
}
