/** The identity provider as something that may be away, wrong or slow; several receivers; and what the configuration makes of it. */

import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApi } from '../../receiver/serve/api.ts';
import type { OidcDeps } from '../../receiver/serve/oidc.ts';
import { createProviderFinder, findProvider, type Provider } from '../../receiver/serve/oidc_provider.ts';
import { createTokenVerifier, type TokenVerifier } from '../../receiver/store/token_verifier.ts';
import { type IdentityProvider, type Malice, startIdentityProvider } from '../helpers/identity_provider.ts';
import { type OidcScene, oidcSettings, openOidcScene, problemsOf, TestBrowser } from '../helpers/oidc_scene.ts';

describe('a discovery document', () => {
  let provider: IdentityProvider;
  beforeAll(async () => {
    provider = await startIdentityProvider();
  });
  afterAll(() => provider.close());

  const find = () => findProvider(oidcSettings('http://127.0.0.1:8080', provider.issuer));
  const path = '/.well-known/openid-configuration';
  const answering = (answer: (response: ServerResponse) => void): Malice => ({ answer: { [path]: answer } });
  const changed = (more: object): Malice => ({ discovery: (document) => ({ ...document, ...more }) });
  const endless = (response: ServerResponse) => {
    const more = setInterval(() => response.write(' '.repeat(65_536)), 1);
    response.writeHead(200, { 'Content-Type': 'application/json' }).once('close', () => clearInterval(more));
  };

  it('that is as it should be is taken', async () => {
    provider.malice = {};
    expect((await find()).signOutUrl()).toContain('/logout?');
    provider.malice = changed({ end_session_endpoint: undefined });
    expect((await find()).signOutUrl()).toBeNull();
  });

  it.each<[string, Malice]>([
    ['is of another issuer', changed({ issuer: 'https://login.example.com' })],
    ['is for any organisation', changed({ issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0' })],
    ['sends codes over plain HTTP', changed({ token_endpoint: 'http://login.example.com/token' })],
    ['has its keys on plain HTTP', changed({ jwks_uri: 'http://login.example.com/keys' })],
    ['signs people in on plain HTTP', changed({ authorization_endpoint: 'http://login.example.com/authorize' })],
    ['leads elsewhere by a script', changed({ authorization_endpoint: 'javascript:alert(1)' })],
    ['names no keys', changed({ jwks_uri: undefined })],
    ['leads on to another address', answering((to) => to.writeHead(302, { Location: '/moved' }).end())],
    ['is a page', answering((to) => to.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>Sign in</h1>'))],
    ['is an error', answering((to) => to.writeHead(500).end())],
    ['is cut off', answering((to) => to.writeHead(200, { 'Content-Type': 'application/json' }).end('{"issuer":'))],
    ['never ends', answering(endless)],
    ['is never there', answering((to) => void to.destroy())],
  ])('that %s is refused', async (_name, malice) => {
    provider.malice = malice;
    const asked = provider.asked.length;
    await expect(find()).rejects.toThrow();
    expect(provider.asked.slice(asked)).toEqual([path]);
  });
});

describe('the issuer for any organisation', () => {
  afterEach(() => void vi.unstubAllGlobals());

  it('is refused, although its document is honest and libraries make an exception for it', async () => {
    const of = (path: string) => `https://login.microsoftonline.com/${path}`;
    const document = {
      issuer: of('{tenantid}/v2.0'),
      authorization_endpoint: of('common/oauth2/v2.0/authorize'),
      token_endpoint: of('common/oauth2/v2.0/token'),
      jwks_uri: of('common/discovery/v2.0/keys'),
    };
    const asked: unknown[] = [];
    vi.stubGlobal('fetch', async (url: unknown) => {
      asked.push(url);
      return Response.json(document);
    });
    await expect(findProvider(oidcSettings('https://ledger.example.com', of('common/v2.0')))).rejects.toThrow(
      'it says that its issuer is another one',
    );
    expect(asked).toEqual([of('common/v2.0/.well-known/openid-configuration')]);
  });
});

describe('looking for the provider', () => {
  const found = { signOutUrl: () => 'found' } as Provider;

  it('is done once for all who ask, again after a while, and not at every request while it is away', async () => {
    let now = 0;
    let looks = 0;
    let works = false;
    const told: string[] = [];
    const finder = createProviderFinder(
      async () => {
        looks++;
        if (!works) throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
        return found;
      },
      (why) => told.push(why),
      () => now,
    );
    expect(finder.trouble()).toBeNull();
    await Promise.allSettled([finder.get(), finder.get()]);
    await expect(finder.get()).rejects.toThrow('away');
    expect([looks, finder.trouble(), told]).toEqual([1, 'ECONNREFUSED', ['ECONNREFUSED']]);
    now += 5_001;
    await expect(finder.get()).rejects.toThrow('away');
    expect([looks, told.length]).toEqual([2, 1]);
    works = true;
    now += 5_001;
    expect(await finder.get()).toBe(found);
    expect(finder.trouble()).toBeNull();
    works = false;
    now += 3_600_001;
    // What was known goes on being used while the provider does not say anything newer.
    expect(await finder.get()).toBe(found);
    expect([await finder.get(), looks, finder.trouble(), told.length]).toEqual([found, 4, null, 2]);
  });
});

describe('while the provider is away', () => {
  let scene: OidcScene;
  beforeAll(async () => {
    scene = await openOidcScene({
      malice: { answer: { '/.well-known/openid-configuration': (to) => void to.destroy() } },
    });
  });
  afterAll(() => scene.close());

  it('the page says why, tokens sign in, and the receiver is ready', async () => {
    const browser = scene.browser();
    await expect.poll(async () => (await browser.session()).oidc).toMatchObject({ trouble: /^UND_ERR_SOCKET|ECONN/ });
    expect((await browser.ask('/oidc/start?return_to=/ui/qa')).headers.get('location')).toBe(
      '/ui/sign-in?trouble=away&to=%2Fui%2Fqa',
    );
    const ready = await browser.ask('/readyz');
    expect([ready.status, await ready.json()]).toMatchObject([200, { ready: true, checks: { database: 'ok' } }]);
    const { checks } = (await (await browser.ask('/readyz')).json()) as { checks: Record<string, string> };
    expect(checks.sign_in).not.toBe('ok');
    expect((await browser.change('POST', '/ui/session', { token: scene.api.tokens.admin })).status).toBe(200);
    scene.provider.malice = {};
    await expect
      .poll(async () => ((await (await browser.ask('/readyz')).json()) as { checks: object }).checks, {
        timeout: 60_000,
      })
      .toMatchObject({ sign_in: 'ok' });
  });
});

describe('several receivers of one database', () => {
  let scene: OidcScene;
  const opened: { server: Server; verifier: TokenVerifier }[] = [];
  beforeAll(async () => {
    scene = await openOidcScene();
    scene.provider.person = { name: 'Ada', groups: ['reviewers'] };
  });
  afterAll(async () => {
    for (const { server, verifier } of opened) {
      verifier.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    await scene.close();
  });

  async function another(oidc: OidcDeps): Promise<string> {
    const { readers, operators } = scene.api;
    const verifier = createTokenVerifier(operators);
    const app = createApi({
      readers,
      operators,
      oidc,
      verifyToken: (token) => verifier.verify(token),
      readiness: { check: async () => ({ ready: true, checks: {} }) },
      metrics: (_req, res) => void res.end(),
      bindHost: '127.0.0.1',
      jaegerUiUrl: null,
      version: '0.0.0-test',
      log: pino({ level: 'silent' }),
    });
    const server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push({ server, verifier });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const at = (url: string, session: string) => new TestBrowser(url).plant(session);

  it('what one began the other ends, and both know the session', async () => {
    const other = await another(scene.deps);
    const browser = scene.browser();
    const back = new URL(await browser.toProvider());
    const elsewhere = new TestBrowser(other);
    for (const [name, value] of browser.cookies) elsewhere.cookies.set(name, value);
    const end = await elsewhere.ask(back.pathname + back.search);
    expect(end.headers.get('location')).toBe('/ui/');
    expect(await at(scene.api.url, elsewhere.sessionCookie()).session()).toMatchObject({ person: 'Ada', tenant_id: 7 });
    expect((await elsewhere.change('DELETE', '/ui/session')).status).toBe(200);
    const first = at(scene.api.url, elsewhere.sessionCookie());
    await expect.poll(async () => (await first.ask('/runs')).status, { timeout: 30_000 }).toBe(401);
  });

  it('a changed mapping, another installation, and no sign-in at all end what was before', async () => {
    const browser = scene.browser();
    await browser.signIn();
    const session = browser.sessionCookie();
    const { settings, privacyKey } = scene.deps;
    const receivers: [OidcDeps, boolean][] = [
      [scene.deps, true],
      [{ privacyKey, settings: { ...settings, name: 'Other words' } }, true],
      [{ privacyKey, settings: { ...settings, tenants: settings.tenants.slice(0, 1) } }, false],
      [{ privacyKey, settings: { ...settings, admins: [] } }, false],
      [{ privacyKey, settings: { ...settings, clientId: 'another' } }, false],
      [{ privacyKey: new Uint8Array(32), settings }, false],
    ];
    for (const [oidc, holds] of receivers) {
      const state = await at(await another(oidc), session).session();
      expect(state.signed_in).toBe(holds);
    }
  });
});

describe('the configuration', () => {
  const of = (variables: Record<string, string>) =>
    problemsOf(() => oidcSettings('https://ledger.example.com', 'https://login.example.com', variables)).join('\n');

  it('of somebody who knows what they want is taken', () => {
    const settings = oidcSettings('https://ledger.example.com/', 'https://login.example.com/realms/main/', {
      RUNLEDGER_OIDC_ADMIN: ' ops , CN=ops%2COU=it ,50%25',
      RUNLEDGER_OIDC_TENANTS: 'CN=a%2CDC=b=7:review,team-*-readers=*,%2A=harbour',
    });
    expect(settings).toMatchObject({
      publicUrl: 'https://ledger.example.com',
      issuer: 'https://login.example.com/realms/main/',
      admins: ['ops', 'CN=ops,OU=it', '50%'],
      tenants: [
        { value: 'CN=a,DC=b', tenant: '7', scopes: ['read', 'review'] },
        { value: { before: 'team-', after: '-readers' }, tenant: null, scopes: ['read'] },
        { value: '*', tenant: 'harbour', scopes: ['read'] },
      ],
    });
  });

  it.each<[Record<string, string>, RegExp]>([
    [{ RUNLEDGER_OIDC_ISSUER: 'http://login.example.com' }, /ISSUER: must be https/],
    [{ RUNLEDGER_OIDC_ISSUER: 'https://login.example.com/?a=b' }, /ISSUER: must have no query/],
    [{ RUNLEDGER_OIDC_ISSUER: '' }, /CLIENT_ID: does nothing without RUNLEDGER_OIDC_ISSUER/],
    [{ RUNLEDGER_PUBLIC_URL: 'http://ledger.example.com' }, /PUBLIC_URL: must be https for sign-in/],
    [{ RUNLEDGER_PUBLIC_URL: 'https://example.com/ledger' }, /PUBLIC_URL: must have no path/],
    [{ RUNLEDGER_PUBLIC_URL: '', RUNLEDGER_HOST: '0.0.0.0' }, /PUBLIC_URL: is needed for sign-in/],
    [{ RUNLEDGER_PUBLIC_URL: '', RUNLEDGER_HTTP_PORT: '0' }, /PUBLIC_URL: is needed for sign-in/],
    [{ RUNLEDGER_OIDC_CLIENT_ID: '' }, /CLIENT_ID: is needed/],
    [{ RUNLEDGER_OIDC_ADMIN: '', RUNLEDGER_OIDC_TENANTS: '' }, /ADMIN: nobody could sign in/],
    [{ RUNLEDGER_OIDC_ADMIN: '*' }, /ADMIN: \*: a star/],
    [{ RUNLEDGER_OIDC_ADMIN: '100%' }, /ADMIN: 100%: a percent sign/],
    [{ RUNLEDGER_OIDC_TENANTS: 'sales' }, /TENANTS: sales must be value=tenant/],
    [{ RUNLEDGER_OIDC_TENANTS: 'sales=0' }, /TENANTS: sales=0 must be/],
    [{ RUNLEDGER_OIDC_TENANTS: 'sales=7:write' }, /TENANTS: sales=7:write must be/],
    [{ RUNLEDGER_OIDC_TENANTS: 'sales=*' }, /needs =\*, as in/],
    [{ RUNLEDGER_OIDC_TENANTS: 'sales-*=7' }, /needs =\*, as in/],
    [{ RUNLEDGER_OIDC_TENANTS: '*=*' }, /any value of the claim/],
    [{ RUNLEDGER_OIDC_SCOPES: 'profile' }, /SCOPES: must contain openid/],
    [{ RUNLEDGER_OIDC_NAME: '\u202eevil' }, /NAME: must be 1 to 40 visible/],
    [{ RUNLEDGER_OIDC_SESSION_MINUTES: '1440' }, /SESSION_MINUTES: must be a whole number from 5 to 720/],
  ])('%j is told what is wrong', (variables, problem) => {
    expect(of(variables)).toMatch(problem);
    expect(of(variables)).not.toContain('secret-of-the-client');
  });
});
