/** Sign-in: at the identity provider where there is one, by pasting a token once, or by the link that `runledger start` prints, whose code stands behind the # and is used up here. */

import { useEffect, useState } from 'preact/hooks';
import type { SessionState } from '../../receiver/serve/shape_session.ts';
import { ApiError, change, forgetAll } from '../api.ts';
import { ProviderSignIn } from '../parts/provider_sign_in.tsx';
import { BASE, hrefOf, navigate, type Place } from '../router.ts';

interface SignInProps {
  state: SessionState;
  onSignedIn: (state: SessionState) => void;
  place: Place;
}

export function SignIn({ state, onSignedIn, place }: SignInProps) {
  const returnTo = wantedPage(place);
  const [token, setToken] = useState('');
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);

  const send = async (body: { token: string } | { code: string }) => {
    setBusy(true);
    setTrouble(null);
    try {
      const session = await change<SessionState>('POST', '/ui/session', body);
      forgetAll();
      if (session !== null) onSignedIn(session);
      navigate(returnTo, { replace: true });
    } catch (error) {
      setTrouble(error instanceof ApiError ? error.message : 'The answer could not be read.');
      setBusy(false);
    }
  };

  useEffect(() => {
    document.title = 'Sign in · Runledger';
    const code = new URLSearchParams(location.hash.slice(1)).get('code');
    if (code === null) return;
    // Gone from the address at once: the code is good for one use, and history is kept for long.
    history.replaceState(null, '', location.pathname);
    void send({ code });
  }, []);

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const text = token.trim();
    if (text === '') setTrouble('Paste a token first; below is how to get one.');
    else void send({ token: text });
  };

  return (
    <main class="sign-in">
      <h1>
        <span class="wordmark">Runledger</span>
      </h1>
      {state.oidc !== null && (
        <ProviderSignIn
          offer={state.oidc}
          returnTo={returnTo}
          trouble={place.query.get('trouble')}
          tenants={(place.query.get('tenants') ?? '').split(' ').filter((name) => /^[a-z0-9._-]{1,64}$/.test(name))}
        />
      )}
      <form onSubmit={submit}>
        <label for="token">Token</label>
        <div class="sign-in-line">
          <input
            id="token"
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
            aria-describedby="token-help"
            aria-invalid={trouble !== null}
          />
          <button type="submit" class="primary" disabled={isBusy}>
            {isBusy ? 'Signing in' : 'Sign in'}
          </button>
        </div>
        <p class="sign-in-trouble" role="alert">
          {trouble}
        </p>
      </form>
      <div id="token-help" class="sign-in-help">
        <h2>Where to get one</h2>
        <p>In a terminal, in the folder where the ledger runs:</p>
        <pre>npx runledger token create --kind admin</pre>
        <p>That sees all tenants. For one tenant, with the right to review samples and acknowledge alerts:</p>
        <pre>npx runledger token create --kind tenant --tenant 7 --scope read review</pre>
        <p>
          The token is handed in once and kept by no page; a cookie that scripts cannot read stands for it, for 12 hours
          after its last use.
        </p>
      </div>
      <p class="faint">{state.version === '' ? '' : `Version ${state.version}`}</p>
    </main>
  );
}

/** Where the visitor wanted to go: a page of ours, whatever the address says. */
function wantedPage({ parts, query, href }: Place): string {
  const wanted = parts[0] === 'sign-in' ? query.get('to') : href;
  return wanted?.startsWith(`${BASE}/`) === true ? wanted : hrefOf([]);
}
