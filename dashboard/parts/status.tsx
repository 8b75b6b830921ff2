/** A status as colour, shape and word at once, so that neither a colour-blind eye nor a print loses it. */

export type Tone = 'good' | 'bad' | 'warn' | 'live' | 'quiet';

interface Look {
  tone: Tone;
  word: string;
  shape: 'disc' | 'cross' | 'triangle' | 'ring' | 'bar';
}

const LOOKS: Record<string, Look> = {
  succeeded: { tone: 'good', word: 'succeeded', shape: 'disc' },
  ok: { tone: 'good', word: 'ok', shape: 'disc' },
  pass: { tone: 'good', word: 'pass', shape: 'disc' },
  resolved: { tone: 'good', word: 'resolved', shape: 'disc' },
  failed: { tone: 'bad', word: 'failed', shape: 'cross' },
  error: { tone: 'bad', word: 'error', shape: 'cross' },
  fail: { tone: 'bad', word: 'fail', shape: 'cross' },
  firing: { tone: 'bad', word: 'firing', shape: 'cross' },
  page: { tone: 'bad', word: 'page', shape: 'cross' },
  degraded: { tone: 'warn', word: 'degraded', shape: 'triangle' },
  warn: { tone: 'warn', word: 'warn', shape: 'triangle' },
  retry: { tone: 'warn', word: 'retry', shape: 'triangle' },
  acked: { tone: 'warn', word: 'acknowledged', shape: 'triangle' },
  running: { tone: 'live', word: 'running', shape: 'ring' },
  open: { tone: 'live', word: 'running', shape: 'ring' },
  needs_review: { tone: 'live', word: 'to review', shape: 'ring' },
  snoozed: { tone: 'quiet', word: 'snoozed', shape: 'bar' },
  cancelled: { tone: 'quiet', word: 'cancelled', shape: 'bar' },
  abandoned: { tone: 'bad', word: 'abandoned', shape: 'bar' },
  skip: { tone: 'quiet', word: 'skip', shape: 'bar' },
};

export function lookOf(status: string | null, degraded = false): Look {
  if (degraded && status === 'succeeded') return LOOKS.degraded as Look;
  return LOOKS[status ?? ''] ?? { tone: 'quiet', word: status ?? 'not known', shape: 'bar' };
}

export function Status({ status, degraded = false }: { status: string | null; degraded?: boolean }) {
  const look = lookOf(status, degraded);
  const also = degraded && status !== 'succeeded' ? ', degraded' : '';
  return (
    <span class={`status ${look.tone}`}>
      <Mark shape={look.shape} />
      {look.word}
      {also}
    </span>
  );
}

export function Mark({ shape }: { shape: Look['shape'] }) {
  return (
    <svg class="mark" viewBox="0 0 12 12" aria-hidden="true">
      {shape === 'disc' && <circle cx="6" cy="6" r="4" fill="currentColor" />}
      {shape === 'cross' && <path d="M2.2 2.2l7.6 7.6M9.8 2.2l-7.6 7.6" stroke="currentColor" stroke-width="2.4" />}
      {shape === 'triangle' && <path d="M6 1.2l5.3 9.6H.7z" fill="currentColor" />}
      {shape === 'ring' && <circle cx="6" cy="6" r="3.6" fill="none" stroke="currentColor" stroke-width="2" />}
      {shape === 'bar' && <path d="M1.5 6h9" stroke="currentColor" stroke-width="2.4" />}
    </svg>
  );
}
