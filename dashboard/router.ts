/** The address is the state: pages read what to show from it and write their filters back into it, so that back, reload and a copied link all work. */

import { useEffect, useState } from 'preact/hooks';

export const BASE = '/ui';

export interface Place {
  /** Parts of the path below /ui, decoded: ['runs', '7', '123']. */
  parts: string[];
  query: URLSearchParams;
  /** Path and query, as written. */
  href: string;
}

const listeners = new Set<() => void>();

export function readPlace(): Place {
  const path = location.pathname.slice(BASE.length);
  return {
    parts: path.split('/').filter(Boolean).map(decodePart),
    query: new URLSearchParams(location.search),
    href: location.pathname + location.search,
  };
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** An address of the dashboard; parameters without a value are left out. */
export function hrefOf(
  parts: readonly (string | number)[],
  query: Record<string, string | null | undefined> = {},
): string {
  const search = new URLSearchParams(
    Object.entries(query).filter((pair): pair is [string, string] => pair[1] != null && pair[1] !== ''),
  ).toString();
  return `${BASE}/${parts.map((part) => encodeURIComponent(part)).join('/')}${search === '' ? '' : `?${search}`}`;
}

export function navigate(href: string, options: { replace?: boolean } = {}): void {
  const samePath = new URL(href, location.href).pathname === location.pathname;
  if (options.replace === true) history.replaceState(history.state, '', href);
  else {
    history.replaceState({ scrollY }, '');
    history.pushState(null, '', href);
  }
  for (const listener of listeners) listener();
  if (!samePath) scrollTo(0, 0);
}

/** Sets parameters of the present address; null takes one away. */
export function setQuery(
  changes: Record<string, string | null>,
  options: { replace?: boolean } = { replace: true },
): void {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  navigate(url.pathname + url.search, options);
}

export function usePlace(): Place {
  const [place, setPlace] = useState(readPlace);
  useEffect(() => {
    const update = () => setPlace(readPlace());
    listeners.add(update);
    return () => void listeners.delete(update);
  }, []);
  return place;
}

/** Plain links work as they are; those to pages of ours are followed without loading anything anew. */
export function followLinks(): void {
  history.scrollRestoration = 'manual';
  addEventListener('popstate', (event) => {
    for (const listener of listeners) listener();
    const top = (event.state as { scrollY?: number } | null)?.scrollY ?? 0;
    requestAnimationFrame(() => scrollTo(0, top));
  });
  addEventListener('click', (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    const link = (event.target as Element | null)?.closest('a');
    if (link == null || link.origin !== location.origin || link.target !== '' || link.hasAttribute('download')) return;
    if (link.pathname !== BASE && !link.pathname.startsWith(`${BASE}/`)) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}
