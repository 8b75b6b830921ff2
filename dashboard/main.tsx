/** Entry of the page: who is signed in, which page the address means, and the frame around it. */

import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { SessionState } from '../receiver/serve/shape_session.ts';
import { ApiError, change, forgetAll, onSignedOut, readJson } from './api.ts';
import { Frame } from './frame.tsx';
import { NotFound } from './pages/not_found.tsx';
import { pageOf } from './pages/pages.tsx';
import { RunbooksPage } from './pages/runbooks.tsx';
import { SignIn } from './pages/sign_in.tsx';
import { Outline, Trouble } from './parts/states.tsx';
import { followLinks, hrefOf, navigate, usePlace } from './router.ts';
import './style/base.css';
import './style/frame.css';
import './style/tables.css';
import './style/runs.css';
import './style/run.css';
import './style/pages.css';
import { applyTheme } from './theme.ts';

const SIGN_IN = hrefOf(['sign-in']);

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
      setSession((old) => ({ signed_in: false, version: old?.version ?? '' }));
    });
    load();
  }, []);

  const signOut = async () => {
    await change('DELETE', '/ui/session');
    forgetAll();
    setSession({ signed_in: false, version: session?.version ?? '' });
    navigate(SIGN_IN);
  };

  if (error !== null) return <main class="alone">{<Trouble error={error} retry={load} name="the dashboard" />}</main>;
  if (session === null) return <main class="alone">{<Outline name="who is signed in" lines={3} />}</main>;
  // Links of alert messages lead there, and whoever was just woken may not be signed in.
  if (!session.signed_in && place.parts[0] === 'runbooks') {
    return (
      <main>
        <p>
          <a href={SIGN_IN}>Sign in</a> to see the alert and its run.
        </p>
        <RunbooksPage place={place} />
      </main>
    );
  }
  if (!session.signed_in || place.parts[0] === 'sign-in') {
    return (
      <SignIn state={session} onSignedIn={setSession} returnTo={place.parts[0] === 'sign-in' ? null : place.href} />
    );
  }
  const Page = pageOf(place.parts);
  return (
    <Frame session={session} place={place} onSignOut={signOut}>
      {Page === null ? <NotFound /> : <Page place={place} session={session} />}
    </Frame>
  );
}

applyTheme();
followLinks();
const root = document.getElementById('app');
if (root !== null) render(<App />, root);
