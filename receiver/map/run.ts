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
  const url =
    value.type === VALUE_STRING && value.value.length <= MAX_URL_CHARS
      ? allowedUrl(cleanText(value.value), mapping.snapshot.linkHosts)
      : null;
  const link = url === null ? null : withoutSecrets(url, mapping);
  if (link === null) extra.mark('langsmith_url_dropped');
  return link;
}

function allowedUrl(text: string, linkHosts: ReadonlySet<string>): URL | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return null;
  const loopback = url.hostname === 'localhost' || url.hostname === '127.0.0.1' || url.hostname === '[::1]';
  if (loopback && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  return url.protocol === 'https:' && linkHosts.has(url.hostname) ? url : null;
}

/** A link with a hash in it leads nowhere, so parameters that must not be stored go as a whole. */
function withoutSecrets(url: URL, { redact }: Mapping): string | null {
  const isStorable = () => {
    const readable = decoded(url.href);
    return readable !== null && redact(url.href) === url.href && redact(readable) === readable;
  };
  if (isStorable()) return url.href;
  url.search = '';
  url.hash = '';
  return isStorable() ? url.href : null;
}

function decoded(href: string): string | null {
  try {
    return decodeURIComponent(href);
  } catch {
    // A stray percent sign; nobody can say what it stands for.
    return null;
  }
}
