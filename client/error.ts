/** What the client throws when the receiver refuses, or cannot be reached: the answer's problem+json (RFC 9457) as an Error. */

export interface ParameterFault {
  parameter: string;
  message: string;
}

export interface ProblemFacts {
  status: number;
  title: string;
  detail: string;
  type: string;
  members: Readonly<Record<string, unknown>>;
  retryAfterMs: number | null;
}

export class RunledgerError extends Error {
  override readonly name = 'RunledgerError';
  /** Of HTTP; 0: there was no answer. */
  readonly status: number;
  readonly title: string;
  /** What to do about it. */
  readonly detail: string;
  readonly type: string;
  /** Each parameter that does not fit, with status 400. */
  readonly errors: readonly ParameterFault[];
  /** What else the answer says, such as the `runs` that an ambiguous id names. */
  readonly members: Readonly<Record<string, unknown>>;
  /** How long the receiver asks to wait; null: it did not say. */
  readonly retryAfterMs: number | null;

  constructor(request: string, facts: ProblemFacts, options?: ErrorOptions) {
    super(`${request}: ${facts.status === 0 ? '' : `${facts.status} `}${facts.title}: ${facts.detail}`, options);
    this.status = facts.status;
    this.title = facts.title;
    this.detail = facts.detail;
    this.type = facts.type;
    this.members = facts.members;
    this.errors = Array.isArray(facts.members.errors) ? (facts.members.errors as ParameterFault[]) : [];
    this.retryAfterMs = facts.retryAfterMs;
  }
}

const DETAIL_CHARACTERS = 500;

/** @param conceal takes out of a text what must not be in an error */
export async function errorOf(
  request: string,
  response: Response,
  conceal: (text: string) => string,
): Promise<RunledgerError> {
  const text = conceal(await response.text().catch(() => ''));
  const { type, title, status: _, detail, ...members } = problemOf(text, response);
  return new RunledgerError(request, {
    status: response.status,
    title: textOr(title, response.statusText || 'Error'),
    detail: textOr(detail, text.slice(0, DETAIL_CHARACTERS)),
    type: textOr(type, 'about:blank'),
    members,
    retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
  });
}

/** A proxy in between answers whatever it likes. */
function problemOf(text: string, response: Response): Record<string, unknown> {
  if (response.status >= 300 && response.status < 400) {
    return { detail: 'The address leads elsewhere; give the one it leads to as url' };
  }
  if (!/\bjson\b/.test(response.headers.get('content-type') ?? '')) return {};
  try {
    const problem: unknown = JSON.parse(text);
    return typeof problem === 'object' && problem !== null ? (problem as Record<string, unknown>) : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

/** Seconds, or a date; null where it is neither. */
export function retryAfterMs(header: string | null, nowMs = Date.now()): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
