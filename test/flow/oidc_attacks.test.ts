/** Sign-in at an identity provider under attack: forged tokens, mixed-up browsers, addresses of others, and what must never be seen. */

import { request, type ServerResponse } from 'node:http';
import type { JWTPayload } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  leaveUnsigned,
  type Malice,
  signWithAnotherKey,
  signWithClientSecret,
  signWithPublicKeyText,
} from '../helpers/identity_provider.ts';
import { type OidcScene, openOidcScene, type TestBrowser } from '../helpers/oidc_scene.ts';

let scene: OidcScene;
const browsers: TestBrowser[] = [];

beforeAll(async () => {
  // As behind a proxy, where any Host reaches it.
  scene = await openOidcScene({ bindHost: '0.0.0.0' });
});
beforeEach(() => {
  scene.provider.person = { name: 'Ada Lovelace', groups: ['ledger-admins'] };
  scene.provider.malice = {};
});
afterAll(() => scene.close());

function newBrowser(): TestBrowser {
  const browser = scene.browser();
  browsers.push(browser);
  return browser;
}

async function expectRefused(browser: TestBrowser, location: string, trouble: string): Promise<void> {
  expect(location).toContain(`/ui/sign-in?trouble=${trouble}&`);
  expect(browser.sessionCookie()).toBe('');
  expect(await browser.session()).toMatchObject({ signed_in: false });
}

const nowS = () => Math.floor(Date.now() / 1000);
const withClaims = (more: (claims: JWTPayload) => object): Malice => ({
  claims: (claims) => ({ ...claims, ...more(claims) }),
});
const FORGED: Record<string, Malice> = {
  'has the nonce of another attempt': withClaims(() => ({ nonce: 'A'.repeat(43) })),
  'has no nonce': withClaims(() => ({ nonce: undefined })),
  'is of another issuer': withClaims(() => ({ iss: 'https://login.example.com' })),
  'is for another client': withClaims(() => ({ aud: 'another' })),
  'is for several, and not meant for us': withClaims(({ aud }) => ({ aud: [aud, 'another'] })),
  'was given to another client': withClaims(() => ({ azp: 'another' })),
  expired: withClaims(() => ({ exp: nowS() - 90, iat: nowS() - 400 })),
  'never expires': withClaims(() => ({ exp: undefined })),
  'is of nobody': withClaims(() => ({ sub: undefined })),
  'is not signed': { sign: leaveUnsigned },
  'is signed with the text of the public key': { sign: signWithPublicKeyText },
  "is signed with the client's secret": { sign: signWithClientSecret },
  'is signed by somebody else under the name of the key': { sign: signWithAnotherKey },
  'is no token': { sign: async () => 'nonsense' },
};

describe('an ID token', () => {
  it.each(Object.entries(FORGED))('that %s signs nobody in', async (_name, malice) => {
    scene.provider.malice = malice;
    const browser = newBrowser();
    await expectRefused(browser, await browser.signIn(), 'not_believed');
  });

  it('a clock of whose provider is half a minute off is believed', async () => {
    scene.provider.malice = withClaims(() => ({ exp: nowS() - 30, iat: nowS() - 60 }));
    expect(await newBrowser().signIn()).toBe('/ui/');
    scene.provider.malice = withClaims(() => ({ iat: nowS() + 30 }));
    expect(await newBrowser().signIn()).toBe('/ui/');
  });

  it('signed with a new key is believed as soon as the provider shows the key', async () => {
    expect(await newBrowser().signIn()).toBe('/ui/');
    await scene.provider.rotateKey();
    // Keys are asked for at most once a second.
    await expect.poll(() => newBrowser().signIn(), { timeout: 30_000, interval: 300 }).toBe('/ui/');
  });

  it('whose key cannot be had signs nobody in, and the next sign-in works again', async () => {
    await scene.provider.rotateKey();
    scene.provider.malice = { answer: { '/keys': (response) => void response.destroy() } };
    await expect.poll(() => newBrowser().signIn(), { timeout: 30_000, interval: 300 }).toContain('trouble=away&');
    scene.provider.malice = {};
    await expect.poll(() => newBrowser().signIn(), { timeout: 30_000, interval: 300 }).toBe('/ui/');
  });
});

describe('an attempt', () => {
  it('ends only in the browser that began it', async () => {
    const [victim, attacker] = [newBrowser(), newBrowser()];
    const attackersLink = await attacker.toProvider();
    const noAttempt = await victim.ask(attackersLink);
    await expectRefused(victim, noAttempt.headers.get('location') ?? '', 'elsewhere');
    await victim.toProvider();
    const ownAttempt = await victim.ask(attackersLink);
    await expectRefused(victim, ownAttempt.headers.get('location') ?? '', 'elsewhere');
  });

  it('takes no code that was given for another one', async () => {
    const [victim, attacker] = [newBrowser(), newBrowser()];
    const stolen = new URL(await attacker.toProvider()).searchParams.get('code') ?? '';
    const own = new URL(await victim.toProvider());
    own.searchParams.set('code', stolen);
    const end = await victim.ask(own.href);
    await expectRefused(victim, end.headers.get('location') ?? '', 'not_believed');
  });

  it('is good once, even for somebody who copied its cookie and its address', async () => {
    const browser = newBrowser();
    const back = await browser.toProvider();
    const copied = new Map(browser.cookies);
    expect((await browser.ask(back)).headers.get('location')).toBe('/ui/');
    expect([...browser.cookies.keys()].some((name) => name.includes('attempt'))).toBe(false);
    const again = newBrowser();
    for (const [name, value] of copied) again.cookies.set(name, value);
    const end = await again.ask(back);
    await expectRefused(again, end.headers.get('location') ?? '', 'not_believed');
  });

  it('whose state or cookie was changed, doubled or left out leads nowhere', async () => {
    const changes: ((back: URL, browser: TestBrowser) => void)[] = [
      (back) => back.searchParams.set('state', 'A'.repeat(43)),
      (back) => back.searchParams.set('state', ''),
      (back) => back.searchParams.delete('state'),
      (_back, browser) => {
        const [[name, value] = ['', '']] = [...browser.cookies].filter(([one]) => one.includes('attempt'));
        const middle = Math.floor(value.length / 2);
        browser.cookies.set(
          name,
          value.slice(0, middle) + (value[middle] === 'A' ? 'B' : 'A') + value.slice(middle + 1),
        );
      },
      (_back, browser) => browser.cookies.clear(),
    ];
    for (const change of changes) {
      const browser = newBrowser();
      const back = new URL(await browser.toProvider());
      change(back, browser);
      await expectRefused(browser, (await browser.ask(back.href)).headers.get('location') ?? '', 'elsewhere');
    }
    const doubled = newBrowser();
    const end = await doubled.ask(`${await doubled.toProvider()}&code=another`);
    await expectRefused(doubled, end.headers.get('location') ?? '', 'not_believed');
  });

  it('that the provider ends with an error says so', async () => {
    scene.provider.malice = { error: 'access_denied' };
    const refused = newBrowser();
    await expectRefused(refused, await refused.signIn(), 'denied');
    scene.provider.malice = { error: '<script>alert(1)</script>' };
    const odd = newBrowser();
    await expectRefused(odd, await odd.signIn(), 'not_believed');
  });

  it('is not begun or ended by anything but a browser that goes there', async () => {
    for (const method of ['HEAD', 'POST', 'PUT', 'DELETE']) {
      const [start, end] = await Promise.all(
        ['/oidc/start', '/oidc/callback?code=a&state=b'].map((path) => fetch(scene.api.url + path, { method })),
      );
      expect([start?.status, end?.status]).toEqual([405, 405]);
    }
  });
});

describe('addresses', () => {
  it('after the sign-in are pages of the dashboard and nothing else', async () => {
    const strange = [
      'https://evil.example/ui/',
      '//evil.example/ui/',
      '/\\evil.example',
      '/ui/\\..\\..\\evil.example',
      '/ui/../../evil.example',
      '/ui/..//evil.example',
      '/ui/%2e%2e//evil.example',
      '/ui/\t/evil.example',
      '/ui/\r\nSet-Cookie: a=b',
      'javascript:alert(1)',
      '/runs',
      '/ui/sign-in?to=/ui/',
      `/ui/${'a'.repeat(3_000)}`,
      '',
    ];
    for (const address of strange) {
      const browser = newBrowser();
      const location = await browser.signIn(`?return_to=${encodeURIComponent(address)}`);
      const led = new URL(location, scene.api.url);
      expect([address, led.origin, location]).toEqual([address, scene.api.url, '/ui/']);
    }
    expect(await newBrowser().signIn('?return_to=/ui/qa&return_to=//evil.example')).toBe('/ui/');
    expect(await newBrowser().signIn(`?return_to=${encodeURIComponent('/ui/runs/7/a%2Fb?view=events')}`)).toBe(
      '/ui/runs/7/a%2Fb?view=events',
    );
  });

  it('that the provider is sent are ours, whatever host a request names', async () => {
    const { port } = new URL(scene.api.url);
    const headers = { Host: 'evil.example', 'X-Forwarded-Host': 'evil.example', Forwarded: 'host=evil.example' };
    const location = await new Promise<string>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: '/oidc/start', headers }, (response) => {
        response.resume();
        resolve(response.headers.location ?? '');
      })
        .on('error', reject)
        .end();
    });
    expect(new URL(location).searchParams.get('redirect_uri')).toBe(`${scene.api.url}/oidc/callback`);
    expect(location).not.toContain('evil');
    const state = await fetch(`${scene.api.url}/ui/session`, { headers: { 'X-Forwarded-Host': 'evil.example' } });
    expect(await state.json()).toMatchObject({ oidc: { href: `${scene.api.url}/oidc/start` } });
  });
});

describe('a provider that misbehaves', () => {
  const silent = () => undefined;
  const endless = (response: ServerResponse) => {
    const more = setInterval(() => response.write('x'.repeat(65_536)), 1);
    response.once('close', () => clearInterval(more));
  };
  it.each([
    ['never answers', silent, 'away'],
    ['answers without end', endless, 'not_believed'],
  ] as const)(
    '%s: somebody waits for seconds and is told',
    async (_name, answer, trouble) => {
      scene.provider.malice = { answer: { '/token': answer } };
      const browser = newBrowser();
      await expectRefused(browser, await browser.signIn(), trouble);
    },
    60_000,
  );
});

it('many sign-ins at once ask the provider no more often than it is fair to, and the others are told to wait', async () => {
  let letGo: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  scene.provider.malice = { answer: { '/token': (response) => void gate.then(() => response.destroy()) } };
  const ready = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const browser = newBrowser();
      return { browser, back: await browser.toProvider() };
    }),
  );
  const before = scene.provider.asked.length;
  const ends = ready.map(async ({ browser, back }) => (await browser.ask(back)).headers.get('location') ?? '');
  const busy = () => scene.api.logged.filter((line) => line.includes('"trouble":"busy"')).length;
  await expect.poll(busy, { timeout: 30_000 }).toBe(4);
  letGo();
  const troubles = (await Promise.all(ends)).map((end) => new URL(end, scene.api.url).searchParams.get('trouble'));
  expect(troubles.filter((trouble) => trouble === 'busy')).toHaveLength(4);
  expect(scene.provider.asked.slice(before).filter((path) => path === '/token')).toHaveLength(8);
});

it('no code, token, verifier or secret is ever in an answer or in the log', () => {
  const { secrets } = scene.provider;
  expect(secrets.length).toBeGreaterThan(50);
  expect(browsers.length).toBeGreaterThan(20);
  const seen = [...browsers.flatMap((browser) => browser.seen), ...scene.api.logged].join('\n');
  expect(seen).toContain('a sign-in at the identity provider was refused');
  const shown = secrets.filter((secret) => secret.length > 8 && seen.includes(secret));
  expect(shown).toEqual([]);
});
