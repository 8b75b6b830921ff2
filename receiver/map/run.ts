/** What a run span, its start marker or their log records say about the run as a whole. */

import { RUN_OUTCOMES, type RunOutcome } from '../../sdk/attributes.ts';
import { type Span, VALUE_STRING } from '../decode/shape.ts';
import { LIMITS } from '../limits.ts';
import type { Extra } from './extra.ts';
import { FIELD } from './fields.ts';
import type { Mapping } from './mapping.ts';
import { resourceJson } from './resource.ts';
import type { RunFacts } from './row.ts';
import { cleanText, cutChars } from './text.ts';
import type { View } from './view.ts';

const OUTCOMES: ReadonlySet<string> = new Set(RUN_OUTCOMES);
const CICD_OUTCOMES: Readonly<Record<string, RunOutcome>> = {
  success: 'succeeded',
  failure: 'failed',
  error: 'failed',
  timeout: 'failed',
  cancellation: 'cancelled',
  skip: 'cancelled',
};

/** `runledger.run.status`, else the CI/CD result, else the span's status. */
export function runOutcome(span: Span, view: View, extra: Extra): RunOutcome {
  const stated = view.getOwn(FIELD.runStatus);
  if (stated?.type === VALUE_STRING && OUTCOMES.has(stated.value)) return stated.value as RunOutcome;
  if (stated !== undefined) extra.mark('run_status_unknown');
  const result = view.getOwn(FIELD.pipelineResult);
  const mapped = result?.type === VALUE_STRING ? CICD_OUTCOMES[result.value] : undefined;
  return mapped ?? (span.statusCode === 2 ? 'failed' : 'succeeded');
}

/** Short enough that privacy looks at all of it. */
const MAX_URL_CHARS = 1024;

type Signal = Pick<RunFacts, 'status' | 'startedUs' | 'atUs' | 'spanId' | 'langsmithUrl'>;

export function runFacts(scene: { view: View; mapping: Mapping; span: { traceId: string } }, signal: Signal): RunFacts {
  const { view, mapping } = scene;
  const name = (slot: number) => {
    const text = view.text(slot);
    return text === null ? null : cutChars(mapping.names.clean(text), LIMITS.runKeyChars);
  };
  const { status, startedUs, atUs, spanId, langsmithUrl } = signal;
  return {
    status,
    degraded: status !== 'running' && view.ownBoolean(FIELD.runDegraded),
    startedUs,
    atUs,
    spanId,
    traceId: scene.span.traceId,
    pipeline: name(FIELD.pipeline),
    environment: name(FIELD.environment),
    pipelineVersion: name(FIELD.version),
    langsmithUrl,
    resource: resourceJson(view, mapping),
  };
}

/** Kept only when it is https on a configured host, or loopback; anything else could lead people anywhere. */
export function langsmithUrl(view: View, mapping: Mapping, extra: Extra): string | null {
  const value = view.getOwn(FIELD.langsmithUrl);
  if (value === undefined) return null;
  const link =
    value.type === VALUE_STRING && value.value.length <= MAX_URL_CHARS
      ? safeLink(cleanText(value.value), mapping)
      : null;
  if (link === null) extra.mark('langsmith_url_dropped');
  return link;
}

type LinkRules = { redact: Mapping['redact']; snapshot: Pick<Mapping['snapshot'], 'linkHosts'> };

/**
 * A link with a hash in it leads nowhere, so parameters that must not be stored go as a whole, and such a path goes with its link.
 * @returns null for a link that may not be stored or followed
 */
export function safeLink(text: string, mapping: LinkRules): string | null {
  const url = allowedUrl(text, mapping.snapshot.linkHosts);
  if (url === null) return null;
  // Looked at as it was sent: a parsed URL spells some characters in another way.
  if (isStorable(text, mapping)) return url.href;
  if (!isStorable(text.replace(/\?.*$/s, ''), mapping)) return null;
  url.search = '';
  url.hash = '';
  return url.href;
}

function allowedUrl(text: string, linkHosts: ReadonlySet<string>): URL | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return null;
  const loopback = url.hostname === 'localhost' || url.hostname === '127.0.0.1' || url.hostname === '[::1]';
  if (loopback && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  return url.protocol === 'https:' && linkHosts.has(url.hostname) ? url : null;
}

function isStorable(text: string, { redact }: LinkRules): boolean {
  const readable = decoded(text);
  return readable !== null && redact(text) === text && redact(readable) === readable;
}

function decoded(href: string): string | null {
  try {
    return decodeURIComponent(href);
  } catch {
    // A stray percent sign; nobody can say what it stands for.
    return null;
  }
}
