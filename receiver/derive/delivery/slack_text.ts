/**
 * Text for Slack that says what it says and does nothing: no markup of Slack's that a name or an error message could bring along, no
 * mentions, no line breaks or invisible characters where one line is meant, and never longer than Slack takes.
 */

const ELLIPSIS = '…';
/** C0 and C1 controls, line and paragraph separators, and characters that reorder or hide text. */
const INVISIBLE = /[\p{Cc}\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]+/gu;
/** Slack itself needs <!...> for a mention, which escaping takes away; other services that take Slack's format read a plain @channel. */
const MENTION = /([@＠])(?=[\p{L}\p{N}_])/gu;
const NO_WIDTH = '\u2060';
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const PLAIN: Readonly<Record<string, string>> = { '<': '‹', '>': '›' };

/** One line for a field of type plain_text, cut to `chars` characters; angle brackets become others, which mean nothing anywhere. */
export function plainLine(text: string, chars: number): string {
  return cut(harmless(text), chars, (character) => PLAIN[character] ?? character);
}

/** One line for a field of type mrkdwn: &, < and > escaped, cut so that the escaped text has at most `chars` characters. */
export function markdownLine(text: string, chars: number): string {
  return cut(harmless(text), chars, (character) => ESCAPES[character] ?? character);
}

/** `<url|label>`, or the label alone where the URL is no web address. */
export function link(url: string | null, label: string): string | null {
  if (url === null || url.length > 1_500 || !URL.canParse(url)) return null;
  const { protocol, href } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'http:') return null;
  const address = href.replaceAll('|', '%7C').replaceAll('<', '%3C').replaceAll('>', '%3E').replaceAll('&', '&amp;');
  return `<${address}|${markdownLine(label, 75)}>`;
}

function harmless(text: string): string {
  const line = Buffer.from(text).toString().replaceAll(INVISIBLE, ' ').replaceAll(/\s+/gu, ' ').trim();
  return line.replaceAll(MENTION, `$1${NO_WIDTH}`);
}

/** By characters as people see them, measured as Slack measures them: in UTF-16 units of the written text. */
function cut(text: string, chars: number, write: (character: string) => string): string {
  let written = '';
  for (const { segment } of new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text.slice(0, chars + 1))) {
    const next = [...segment].map(write).join('');
    if (written.length + next.length > chars) {
      while (written.length > chars - ELLIPSIS.length) written = withoutLast(written);
      return written + ELLIPSIS;
    }
    written += next;
  }
  return written;
}

/** Takes a whole entity or a whole code point off the end. */
function withoutLast(written: string): string {
  return written.replace(/(&(amp|lt|gt);|.)$/u, '');
}
