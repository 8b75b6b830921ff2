/** What stands where data would: while it comes, when there is none, and when it cannot be had. Each says what to do next. */

import type { ComponentChildren } from 'preact';
import type { ApiError, Loaded } from '../api.ts';

interface LoadedProps<T> {
  of: Loaded<T>;
  /** What is being read, for those who cannot see its outline: "runs". */
  name: string;
  /** Lines of the outline, so that nothing moves when the data comes. */
  lines?: number;
  children: (data: T) => ComponentChildren;
}

/** Shows the data whenever there is some, old or new, with the trouble of reading it beside. */
export function Show<T>({ of, name, lines = 6, children }: LoadedProps<T>) {
  if (of.data !== null) {
    return (
      <div class={of.isStale ? 'stale' : undefined} aria-busy={of.isStale}>
        {of.error !== null && <Trouble error={of.error} retry={of.reload} isBeside />}
        {children(of.data)}
      </div>
    );
  }
  if (of.error !== null) return <Trouble error={of.error} retry={of.reload} name={name} />;
  return <Outline name={name} lines={lines} />;
}

export function Outline({ name, lines }: { name: string; lines: number }) {
  return (
    <div class="outline" role="status">
      <span class="unseen">Reading {name}</span>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} class="outline-line" />
      ))}
    </div>
  );
}

interface TroubleProps {
  error: ApiError;
  retry: () => void;
  name?: string;
  /** Old data is still shown below. */
  isBeside?: boolean;
}

export function Trouble({ error, retry, name = 'this', isBeside = false }: TroubleProps) {
  if (error.isMissingRoute) {
    return (
      <div class="note">
        <strong>Not available on this server.</strong> Its version does not answer for {name} yet; everything else works
        as before.
      </div>
    );
  }
  return (
    <div class={isBeside ? 'note warn beside' : 'note warn'} role="alert">
      <strong>{isBeside ? 'Not fresh.' : `Cannot show ${name}.`}</strong> {error.message}{' '}
      <button type="button" class="plain" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h3>{title}</h3>
      {children}
    </div>
  );
}
