/**
 * Finds e-mail addresses in text and replaces each by a hash. It goes from every sign (@ or one of its spellings) to both sides and no
 * further than an address can be long, so its time is in proportion to the text however the text is made.
 */

/** As people and URLs write it: bare, full width, percent-encoded (perhaps twice), escaped in JSON, as an HTML entity. */
const SIGN = /@|\uff20|%(?:25){0,4}40|\\u0040|&#64;|&commat;/gi;
const MAX_LOCAL_CHARS = 64;
const LABELS = /[\p{L}\p{N}\p{M}-]{1,63}(?:[.\u3002\uff0e\uff61][\p{L}\p{N}\p{M}-]{1,63}){0,8}/uy;
const LABEL_DOTS = /[.\u3002\uff0e\uff61]/g;
const LETTER = /^\p{L}/u;
const WORD = /[\p{L}\p{N}\p{M}]/u;
/** Signs that a local part may hold; those that separate parts of a URL are left out. */
const LOCAL_SIGNS = new Set("._%+'-!$*^`{|}~");

/** @param hash of the address in lower case with a plain @. */
export function hashAddresses(text: string, hash: (address: string) => string): string {
  if (!/[@%\uff20\\&]/.test(text)) return text;
  SIGN.lastIndex = 0;
  let out = '';
  let done = 0;
  for (let sign = SIGN.exec(text); sign !== null; sign = SIGN.exec(text)) {
    const start = localStart(text, done, sign.index);
    const end = domainEnd(text, SIGN.lastIndex);
    if (start === sign.index || end === SIGN.lastIndex) continue;
    const local = unescaped(text.slice(start, sign.index));
    const domain = text.slice(SIGN.lastIndex, end).replace(LABEL_DOTS, '.');
    out += text.slice(done, start) + hash(`${local}@${domain}`.normalize('NFC').toLowerCase());
    done = end;
    SIGN.lastIndex = end;
  }
  return done === 0 ? text : out + text.slice(done);
}

/** Where the local part that ends at `end` begins; `end` when there is none. */
function localStart(text: string, from: number, end: number): number {
  if (text[end - 1] === '"') return quotedStart(text, from, end);
  const least = Math.max(from, end - MAX_LOCAL_CHARS);
  let start = end;
  while (start > least && isLocal(text, start - 1)) start--;
  // Punctuation around an address is none of it.
  while (start < end && !WORD.test(charAt(text, start)) && text[start] !== '_' && text[start] !== '+') start++;
  return start;
}

/** "john doe"@example.com */
function quotedStart(text: string, from: number, end: number): number {
  const open = text.lastIndexOf('"', end - 2);
  return open >= from && end - 2 - open > 0 && end - open <= MAX_LOCAL_CHARS + 2 ? open : end;
}

function isLocal(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  // Half of a pair: letters beyond the basic plane.
  if (code >= 0xd800 && code <= 0xdfff) return true;
  const char = text[index] as string;
  return WORD.test(char) || LOCAL_SIGNS.has(char);
}

function charAt(text: string, index: number): string {
  return String.fromCodePoint(text.codePointAt(index) ?? 0);
}

/** Where the domain that begins at `start` ends: labels of which the last begins with a letter (package@1.2.3 is no address). */
function domainEnd(text: string, start: number): number {
  LABELS.lastIndex = start;
  const found = LABELS.exec(text)?.[0];
  if (found === undefined) return start;
  const labels = found.split(LABEL_DOTS);
  while (labels.length > 1 && !LETTER.test(labels.at(-1) ?? '')) labels.pop();
  return labels.length < 2 ? start : start + labels.join('.').length;
}

function unescaped(local: string): string {
  if (!local.includes('%')) return local;
  try {
    return decodeURIComponent(local);
  } catch {
    // No percent-encoding after all: the text as it stands is the address.
    return local;
  }
}
