/** The frame around every page: where one can go, who is signed in, light or dark, and which keys there are. */

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { AlertPage } from '../receiver/serve/shape_alerts.ts';
import { apiPath, useApi } from './api.ts';
import { KeyHelp } from './key_help.tsx';
import { useKeys } from './keys.ts';
import type { SignedInState } from './page.ts';
import { hrefOf, type Place } from './router.ts';
import { readTheme, setTheme, type Theme } from './theme.ts';

const PAGES = [
  { part: 'runs', name: 'Runs', key: '1' },
  { part: 'alerts', name: 'Alerts', key: '2' },
  { part: 'qa', name: 'QA', key: '3' },
  { part: 'trends', name: 'Trends', key: '4' },
  { part: 'ingest', name: 'Ingest', key: '5' },
] as const;

interface FrameProps {
  session: SignedInState;
  place: Place;
  onSignOut: () => Promise<void>;
  children: ComponentChildren;
}

const ALERTS_EVERY_MS = 30_000;

export function Frame({ session, place, onSignOut, children }: FrameProps) {
  const [showsKeys, setShowsKeys] = useState(false);
  const here = place.parts[0] ?? 'runs';
  const pages = PAGES.filter(({ part }) => part !== 'ingest' || session.kind === 'admin');
  useKeys({
    '?': () => setShowsKeys((shown) => !shown),
    Escape: () => setShowsKeys(false),
    '/': () => document.querySelector<HTMLElement>('[data-filter]')?.focus(),
  });
  useEffect(() => {
    const page = PAGES.find(({ part }) => part === here);
    const name = page?.name ?? (here === 'runbooks' ? 'Runbooks' : null);
    document.title = name === null ? 'Runledger' : `${name} · Runledger`;
  }, [here]);

  return (
    <>
      <a class="skip-link" href="#main">
        To the content
      </a>
      <header class="top">
        <a class="wordmark" href={hrefOf([])}>
          Runledger
        </a>
        <nav aria-label="Pages">
          {pages.map(({ part, name }) => (
            <a key={part} href={hrefOf([part])} aria-current={part === here ? 'page' : undefined}>
              {name}
              {part === 'alerts' && <FiringCount />}
            </a>
          ))}
        </nav>
        <div class="top-end">
          <span class="who faint" title={session.person ?? undefined}>
            {session.person !== null && `${session.person}, `}
            {session.kind === 'admin' ? 'admin' : `tenant ${session.tenant_id}`}
            {!session.can_review && ', reads only'}
          </span>
          <ThemeButton />
          <button type="button" class="plain keys-button" onClick={() => setShowsKeys(true)}>
            Keys <kbd>?</kbd>
          </button>
          <button type="button" class="plain" onClick={() => void onSignOut()}>
            Sign out
          </button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      {showsKeys && <KeyHelp page={here} onClose={() => setShowsKeys(false)} />}
    </>
  );
}

function FiringCount() {
  const { data } = useApi<AlertPage>(apiPath('/alerts', { limit: 1 }), { everyMs: ALERTS_EVERY_MS });
  const firing = data?.open.firing ?? 0;
  if (firing === 0) return null;
  return (
    <span class="firing-count">
      {firing}
      <span class="unseen"> firing</span>
    </span>
  );
}

const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
const THEME_WORDS: Record<Theme, string> = { system: 'Auto', light: 'Light', dark: 'Dark' };

function ThemeButton() {
  const [theme, setShown] = useState(readTheme);
  const next = NEXT[theme];
  const change = () => {
    setTheme(next);
    setShown(next);
  };
  return (
    <button type="button" class="plain theme" onClick={change} title={`Colours: ${THEME_WORDS[theme].toLowerCase()}`}>
      <span class="unseen">Colours: </span>
      {THEME_WORDS[theme]}
    </button>
  );
}
