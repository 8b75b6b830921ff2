/**
 * What must not be stored. Prompts and other contents are dropped by key (sensitive_keys.ts); values under secret-looking keys and strings
 * of known token shapes are masked; e-mail addresses become a keyed hash (a plain hash of an address is guessable). Never by entropy:
 * trace ids must survive. Every pattern is bounded, so that no text takes more than time in proportion to its length.
 */

import { createHmac } from 'node:crypto';
import { hashAddresses } from './email.ts';
import { cutUnits } from './text.ts';

export const MASK = '[masked]';

/** Only the head of a text is ever stored (LIMITS.extraValueBytes), so only the head is searched. */
const SEARCHED_CHARS = 1024;
/** Of a text that is longer: its end may be half of something that must be masked. */
const CUT_TAIL_CHARS = 512;
/** Texts that stand for an identity are searched this far; beyond, a keyed hash of the whole takes the rest's place. */
const IDENTITY_CHARS = 4096;
const SHORTEST_TOKEN = 15;

/** Known token shapes, each behind a literal; what may stand before them is no letter and no digit. */
const TOKEN = new RegExp(
  [
    `(?<![A-Za-z0-9])(?:${[
      'sk-[A-Za-z0-9_-]{16,}',
      '[sr]k_(?:live|test)_[A-Za-z0-9]{16,}',
      'whsec_[A-Za-z0-9+/=]{16,}',
      'gh[pousr]_[A-Za-z0-9]{20,}',
      'github_pat_[A-Za-z0-9_]{20,}',
      'glpat-[A-Za-z0-9_-]{16,}',
      'xox[abeprs]-[A-Za-z0-9-]{10,}',
      'xapp-[A-Za-z0-9-]{16,}',
      'A(?:KIA|SIA|BIA|CCA)[0-9A-Z]{16}',
      'AIza[0-9A-Za-z_-]{30,}',
      'ya29\\.[0-9A-Za-z_-]{20,}',
      'GOCSPX-[A-Za-z0-9_-]{16,}',
      'lsv2_[A-Za-z0-9_]{20,}',
      'ls__[A-Za-z0-9]{20,}',
      'tvly-[A-Za-z0-9-]{16,}',
      'apify_api_[A-Za-z0-9]{16,}',
      'hf_[A-Za-z0-9]{20,}',
      'gsk_[A-Za-z0-9]{20,}',
      'xai-[A-Za-z0-9]{20,}',
      'pplx-[A-Za-z0-9]{20,}',
      'r8_[A-Za-z0-9]{20,}',
      'npm_[A-Za-z0-9]{30,}',
      'pypi-[A-Za-z0-9_-]{20,}',
      'dop_v1_[a-f0-9]{32,}',
      'shp(?:at|ca|pa|ss)_[A-Za-z0-9]{20,}',
      'dapi[a-f0-9]{32}',
      'hvs\\.[A-Za-z0-9_-]{20,}',
      'SG\\.[A-Za-z0-9_-]{16,64}\\.[A-Za-z0-9_-]{16,}',
      // The rest may lie behind the end of what is searched.
      'eyJ[A-Za-z0-9_-]{8,400}\\.eyJ[A-Za-z0-9_-]*(?:\\.[A-Za-z0-9_-]*)?',
      'rl_[a-z]{1,16}_[A-Za-z0-9_-]{20,}',
    ].join('|')})`,
    '-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[\\s\\S]*?(?:-----END [A-Z ]{0,32}PRIVATE KEY-----|$)',
    'https://hooks\\.slack\\.com/[^\\s"\']+',
    'https://(?:[a-z]{1,16}\\.)?discord(?:app)?\\.com/api/webhooks/[^\\s"\']+',
  ].join('|'),
  'g',
);
const SCHEME = /\b(Bearer|Basic)\s{1,8}([A-Za-z0-9._~+/=-]{8,})/gi;
/** name=value, name: value and "name":"value" inside of text, under names that say secret. */
const SECRET_PAIR =
  /(password|passwd|passphrase|api[_-]?key|(?:client|access|refresh|session|private|secret|signing|webhook)[_-]?(?:key|token|secret)|(?<![A-Za-z])(?:pwd|secret|auth[_-]?token|id[_-]?token|authorization|credentials?))(\\{0,2}["']?\s{0,2}[:=]\s{0,2})(?!\[masked\])(\\{0,2}["'][^"']*|(?:(?:Bearer|Basic|Token|Digest)\s{1,8})?(?!\[masked\])[^\s"'&,;)}\]]+)/gi;
/** Short names, which say secret only with an equals sign, as in a URL or a form. */
const SECRET_PARAMETER = /(?<![A-Za-z0-9_.-])(key|token|sig|signature|pass|auth)=(?!\[masked\])[^&\s"',;]+/gi;
const SECRET_FLAG =
  /(--?[A-Za-z-]{0,32}(?:password|passwd|token|secret|api-?key)[A-Za-z-]{0,32})([\s,=]{1,3})(?!-|\[masked\])[^\s,\]]+/gi;
const USERINFO = /(:\/\/)[^\s/:@]{0,128}:[^\s/@]{1,256}@/g;

export type Redact = (text: string) => string;

export interface Redactor {
  /** Storable head of a text: addresses hashed to 16 hex digits, secrets masked, everything else as it was. */
  readonly head: Redact;
  /** The same for a text that names something: what differs stays different, by a keyed hash where masking or length took the difference. */
  readonly identity: Redact;
}

/** @param key HMAC key of this installation (runledger.settings). */
export function createRedactor(key: Uint8Array): Redactor {
  const hash = (text: string) => createHmac('sha256', key).update(text).digest('hex').slice(0, 16);

  const head = (text: string): string => {
    if (isHarmless(text)) return text;
    if (text.length <= SEARCHED_CHARS) return redactText(text, hash);
    const out = redactText(text.slice(0, SEARCHED_CHARS), hash);
    return cutUnits(out, out.length - CUT_TAIL_CHARS);
  };
  const identity = (text: string): string => {
    if (isHarmless(text)) return text;
    const whole = text.length <= IDENTITY_CHARS;
    const out = redactText(whole ? text : text.slice(0, IDENTITY_CHARS), hash);
    if (whole && !out.includes(MASK)) return out;
    const kept = whole ? out : cutUnits(out, out.length - CUT_TAIL_CHARS);
    return `${kept}~${hash(text)}`;
  };
  return { head, identity };
}

function redactText(text: string, hash: (address: string) => string): string {
  let out = text;
  if (out.includes('://') && out.includes('@')) out = out.replace(USERINFO, `$1${MASK}@`);
  if (out.length >= SHORTEST_TOKEN) out = out.replace(TOKEN, MASK).replace(SCHEME, maskScheme);
  const pairs = out.includes('=');
  if (pairs || out.includes(':')) out = out.replace(SECRET_PAIR, `$1$2${MASK}`);
  if (pairs) out = out.replace(SECRET_PARAMETER, `$1=${MASK}`);
  if (out.includes('--')) out = out.replace(SECRET_FLAG, `$1$2${MASK}`);
  return hashAddresses(out, hash);
}

/** "Bearer of bad news" and "Basic functionality" are words; a credential has digits, signs or capitals inside, or decodes to user:password. */
function maskScheme(match: string, scheme: string, value: string): string {
  const isWord = /^[A-Za-z]?[a-z]*[.]?$/.test(value);
  const isPair = scheme.toLowerCase() === 'basic' && Buffer.from(value, 'base64').includes(':');
  return isWord && !isPair ? match : `${scheme} ${MASK}`;
}

// What needs no look ---------------------------------------------------------------------------------------------------------

const ACTIVE = 1;
const IN_TOKENS = 2;
const CLASSES = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  const char = String.fromCharCode(code);
  if (code < 0x20 || code === 0x7f || '"\\@%=:'.includes(char)) CLASSES[code] = ACTIVE;
  else if ('-_.'.includes(char) || (char >= '0' && char <= '9')) CLASSES[code] = IN_TOKENS;
}

/**
 * True for text that no rule above can touch and that is JSON text as it is: printable ASCII without quotes. Most values are short words
 * and numbers, and this keeps the regular expressions off them.
 */
export function isHarmless(text: string): boolean {
  if (text.length > 256) return false;
  const mayHoldToken = text.length >= SHORTEST_TOKEN;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 128) return false;
    const found = CLASSES[code] as number;
    if (found === ACTIVE || (found === IN_TOKENS && mayHoldToken)) return false;
  }
  return true;
}
