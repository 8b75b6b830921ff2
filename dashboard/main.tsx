/** Entry of the page: who is signed in, which page the address means, and the frame around it. */

import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { SessionState, SignedOut } from '../receiver/serve/shape_session.ts';
import { ApiError, change, forgetAll, onSignedOut, readJson } from './api.ts';
import { Frame } from './frame.tsx';
import { NotFound } from './pages/not_found.tsx';
import { pageOf } from './pages/pages.tsx';
import { RunbooksPage } from './pages/runbooks.tsx';
import { SignIn } from './pages/sign_in.tsx';
import { Outline, Trouble } from './parts/states.tsx';
import { SignedInPerson } from './reviewer.ts';
import { followLinks, hrefOf, navigate, usePlace } from './router.ts';
import './style/base.css';
import './style/frame.css';
import './style/tables.css';
import './style/runs.css';
import './style/run.css';
import './style/pages.css';
import { applyTheme } from './theme.ts';

const SIGN_IN = hrefOf(['sign-in']);

function signedOut(before: SessionState | null): SessionState {
  return { signed_in: false, oidc: before?.oidc ?? null, version: before?.version ?? '' };
}

function App() {
  const place = usePlace();
  const [session, setSession] = useState<SessionState | null>(null);
  const [error, setError] = useState<ApiError | null>(null);

  const load = () => {
    setError(null);
    readJson<SessionState>('/ui/session').then(setSession, (cause: unknown) => {
      setError(cause instanceof ApiError ? cause : new ApiError(0, 'The answer could not be read.'));
    });
  };
  useEffect(() => {
    onSignedOut(() => {
      forgetAll();
      setSession(signedOut);
    });
    load();
  }, []);

  const signOut = async () => {
    const further = await change<SignedOut>('DELETE', '/ui/session');
    forgetAll();
    setSession(signedOut);
    navigate(SIGN_IN);
    if (further !== null) location.assign(further.continue_at);
  };

  if (error !== null) return <main class="alone">{<Trouble error={error} retry={load} name="the dashboard" />}</main>;
  if (session === null) return <main class="alone">{<Outline name="who is signed in" lines={3} />}</main>;
  // Links of alert messages lead there, and whoever was just woken may not be signed in.
  if (!session.signed_in && place.parts[0] === 'runbooks') {
    return (
      <main>
        <p>
          <a href={hrefOf(['sign-in'], { to: place.href })}>Sign in</a> to see the alert and its run; you come back
          here.
        </p>
        <RunbooksPage place={place} />
      </main>
    );
  }
  if (!session.signed_in || place.parts[0] === 'sign-in') {
    return <SignIn state={session} onSignedIn={setSession} place={place} />;
  }
  const Page = pageOf(place.parts);
  return (
    <SignedInPerson.Provider value={session.person}>
      <Frame session={session} place={place} onSignOut={signOut}>
        {Page === null ? <NotFound /> : <Page place={place} session={session} />}
      </Frame>
    </SignedInPerson.Provider>
  );
}

applyTheme();
followLinks();
const root = document.getElementById('app');
if (root !== null) render(<App />, root);
