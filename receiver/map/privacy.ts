/**
 * What must not be stored. Prompts and other contents are dropped by key; values under secret-looking keys and strings of known token
 * shapes are masked; e-mail addresses become a keyed hash (a plain hash of an address is guessable). Never by entropy: trace ids
 * must survive.
 */

import { createHmac } from 'node:crypto';

export const MASK = '[masked]';
const MAX_REDACTED_CHARS = 4096;
const CUT_TAIL_CHARS = 512;

/** Keys whose values are contents: prompts, completions, messages, documents, bodies, in every dialect we know. */
const CONTENT_KEY = new RegExp(
  [
    '^gen_ai\\.(prompt|completion|input|output|system_instructions|tool\\.(definitions|call\\.(arguments|result)))(\\.|$)',
    '^gen_ai\\.(system|user|assistant|tool)\\.message',
    '^gen_ai\\.(evaluation\\.explanation|retrieval\\.(documents|query\\.text))',
    '^(input|output)\\.(value|mime_type)$',
    '^llm\\.(input_messages|output_messages|prompts|completions|prompt_template|invocation_parameters|tools|function_call|request\\.messages)(\\.|$)',
    '^(retrieval|reranker|document|embedding|message|tool|tool_call|exception)\\.(.*\\.)?(documents?|input_documents|output_documents|content|contents|text|query|embeddings|vector|arguments|parameters|json_schema|stacktrace)(\\.|$)',
    '^ai\\.(prompt|response\\.(text|object|toolCalls|reasoning|files|providerMetadata)|result|request\\.body|values?|embeddings?|toolCall\\.(args|result|arguments)|schema|input|output)(\\.|$)',
    '^traceloop\\.(entity\\.(input|output)|prompt)',
    '^langfuse\\.(observation|trace)\\.(input|output)',
    '^langsmith\\.(inputs|outputs)',
    '^(http|rpc)\\.(request|response)\\.(body|content)(\\.|$)',
    '^http\\.(request|response)\\.header\\.(authorization|cookie|set-cookie|x-api-key)',
    '^(messaging\\.message\\.body|faas\\.document\\.content|db\\.(statement|query\\.text|query\\.parameter.*|operation\\.parameter.*))$',
    '^pydantic_ai\\.all_messages',
  ].join('|'),
  'i',
);

const SECRET_KEY =
  /(^|[._-])(password|passwd|pwd|secret|client_?secret|api_?key|apikey|access_?key|private_?key|authorization|auth_?token|access_?token|refresh_?token|id_?token|bearer|credentials?|cookie|set_?cookie|session_?token|webhook_?url|dsn|connection_?string|x-api-key)($|[._-])/i;

/** Known token shapes. Each alternative is anchored on a literal so that plain text is passed over quickly. */
const TOKEN =
  /\b(?:sk-[A-Za-z0-9_-]{16,}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abeprs]-[A-Za-z0-9-]{10,}|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{30,}|ya29\.[0-9A-Za-z_-]{20,}|lsv2_[A-Za-z0-9_]{20,}|tvly-[A-Za-z0-9-]{16,}|apify_api_[A-Za-z0-9]{16,}|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{20,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+|rl_[a-z]+_[A-Za-z0-9_-]{20,})|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)|https:\/\/hooks\.slack\.com\/[^\s"']+/g;
const BEARER = /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi;
/** name=value and name: value inside text and URLs. */
const SECRET_PARAMETER =
  /\b(password|passwd|pwd|secret|client_secret|api[_-]?key|apikey|access[_-]?token|refresh[_-]?token|auth[_-]?token|token|key|signature|sig)=[^&\s"',;]+/gi;
const USERINFO = /(:\/\/)[^\s/:@]{1,128}:[^\s/@]{1,128}@/g;
const EMAIL = /[\p{L}\p{N}._%+'-]{1,64}(?:@|%40)[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/giu;

export type KeyPrivacy = 'content' | 'secret' | 'plain';

/** What may be kept of an attribute, by its key alone. */
export function classifyKey(key: string): KeyPrivacy {
  if (CONTENT_KEY.test(key)) return 'content';
  if (SECRET_KEY.test(key)) return 'secret';
  return 'plain';
}

export type Redact = (text: string) => string;

/**
 * @param key HMAC key of this installation (runledger.settings).
 * @returns a function that gives storable text: addresses hashed to 16 hex digits, tokens masked, everything else as it was.
 */
export function createRedactor(key: Uint8Array): Redact {
  const hash = (address: string) =>
    createHmac('sha256', key).update(address.replace(/%40/i, '@').toLowerCase()).digest('hex').slice(0, 16);
  return (whole) => {
    // Only the head of a text is ever stored. The tail of the cut goes too, it may be half of something that must be masked.
    const text = whole.length > MAX_REDACTED_CHARS ? whole.slice(0, MAX_REDACTED_CHARS) : whole;
    const out = redactText(text);
    return text === whole ? out : out.slice(0, Math.max(0, out.length - CUT_TAIL_CHARS));
  };

  function redactText(text: string): string {
    // Most values are short words and numbers: the character tests below keep the regular expressions off them.
    if (text.length < 6) return text;
    let out = text;
    if (out.includes('://') && out.includes('@')) out = out.replace(USERINFO, `$1${MASK}@`);
    if (out.length >= 16) {
      out = out.replace(TOKEN, MASK).replace(BEARER, `$1 ${MASK}`);
    }
    if (out.includes('=')) out = out.replace(SECRET_PARAMETER, `$1=${MASK}`);
    if (out.includes('@') || out.includes('%40')) out = out.replace(EMAIL, hash);
    return out;
  }
}
