/** The parts of sign-in at an identity provider that need no provider: claims, names, addresses, the sealed attempt. */

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { accessOf, nameOf, valuesAt } from '../../receiver/serve/oidc_access.ts';
import { createAttemptSeal, newAttempt, safeReturnTo } from '../../receiver/serve/oidc_attempt.ts';
import { oidcSettings } from '../helpers/oidc_scene.ts';

const settings = (variables: Record<string, string>) =>
  oidcSettings('https://ledger.example.com', 'https://login.example.com', variables);

describe('claims', () => {
  it('give the most that any of their values gives, and each tenant its own', () => {
    const access = accessOf(
      { groups: ['readers', 'reviewers', 'team-8', 'team-x', 'team-'] },
      settings({ RUNLEDGER_OIDC_TENANTS: 'reviewers=7:review,readers=7,team-*=*,team-8=8:review' }),
    );
    expect(access).toEqual({
      kind: 'tenants',
      scopes: new Map([
        ['7', ['read', 'review']],
        ['8', ['read', 'review']],
        ['x', ['read']],
      ]),
    });
  });

  it('of an address count only where the provider has verified it', () => {
    const byEmail = settings({ RUNLEDGER_OIDC_CLAIM: 'email', RUNLEDGER_OIDC_ADMIN: 'ada@example.com' });
    const of = (more: object) => accessOf({ email: 'ada@example.com', ...more }, byEmail);
    expect(of({ email_verified: true })).toEqual({ kind: 'admin' });
    for (const more of [{}, { email_verified: false }, { email_verified: 'true' }, { email_verified: 1 }]) {
      expect(of(more)).toEqual({ kind: 'none', why: 'unverified_email' });
    }
  });

  it('are found by their whole name first, then along the dots, and never on a prototype', () => {
    const claims = { 'https://a.example/groups': ['x'], realm_access: { roles: ['y'] }, hd: 'example.com', n: 7 };
    expect(valuesAt(claims, 'https://a.example/groups')).toEqual(['x']);
    expect(valuesAt(claims, 'realm_access.roles')).toEqual(['y']);
    expect(valuesAt(claims, 'hd')).toEqual(['example.com']);
    for (const path of ['n', 'realm_access', 'constructor.name', '__proto__', 'hd.length', 'toString', '']) {
      expect([path, valuesAt(claims, path)]).toEqual([path, null]);
    }
  });

  it('of any shape never let anybody in who is not mapped', () => {
    const rules = settings({ RUNLEDGER_OIDC_ADMIN: 'ops', RUNLEDGER_OIDC_TENANTS: 'sales=7,t-*=*' });
    const isMapped = (value: unknown): boolean =>
      typeof value === 'string' &&
      (['ops', 'sales'].includes(value) || /^t-([1-9]\d{0,9}|[a-z][a-z0-9._-]{0,63})$/.test(value));
    fc.assert(
      fc.property(fc.anything(), (groups) => {
        const access = accessOf({ groups }, rules);
        const mapped = Array.isArray(groups) ? groups.some(isMapped) : isMapped(groups);
        expect(access.kind !== 'none').toBe(mapped);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the examples of docs/sign-in.md', () => {
  const page = readFileSync(new URL('../../docs/sign-in.md', import.meta.url), 'utf8');
  const examples = [...page.matchAll(/^```env\n([\s\S]*?)^```/gm)].map(([, block = '']) =>
    Object.fromEntries(
      [...block.matchAll(/^(RUNLEDGER_\w+)=(.*)$/gm)].map(([, name = '', value = '']): [string, string] => [
        name,
        value,
      ]),
    ),
  );
  const [{ RUNLEDGER_OIDC_CLIENT_SECRET_FILE: _, ...whole } = {}, ...parts] = examples;

  it('are configurations that are taken, and give what the page says', () => {
    expect(parts).toHaveLength(3);
    for (const part of parts) expect(settings({ ...whole, ...part })).toMatchObject({ name: 'Keycloak' });
    const scopesOf = (group: string) => {
      const access = accessOf({ groups: [group] }, settings(whole));
      return access.kind === 'tenants' ? Object.fromEntries(access.scopes) : access.kind;
    };
    expect(scopesOf('ledger-admins')).toBe('admin');
    expect(scopesOf('sales')).toEqual({ 7: ['read'] });
    expect(scopesOf('reviewers')).toEqual({ 7: ['read', 'review'] });
    expect(scopesOf('runledger-tenant-harbour')).toEqual({ harbour: ['read'] });
    const [keycloak = {}, entra = {}, google = {}] = parts.map((part) => settings({ ...whole, ...part }));
    const of = (claims: object, rules: object) => accessOf(claims, rules as ReturnType<typeof settings>);
    expect(of({ resource_access: { runledger: { roles: ['admin'] } } }, keycloak)).toEqual({ kind: 'admin' });
    expect(of({ roles: ['Ledger.Admin'] }, entra)).toEqual({ kind: 'admin' });
    expect(of({ email: 'ada@example.com', email_verified: true }, google)).toEqual({ kind: 'admin' });
  });
});

describe('a name', () => {
  it('is one line of at most 60 characters without signs that turn or hide text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (name) => {
        const shown = nameOf({ name });
        expect(shown === null || /^[^\p{C}\p{Zl}\p{Zp}]{1,60}$/u.test(shown)).toBe(true);
        expect(shown).toBe(shown?.trim() ?? null);
      }),
      { numRuns: 2_000 },
    );
    expect(nameOf({ name: '  ', preferred_username: 'ada\u202e\n lovelace' })).toBe('ada lovelace');
    expect(nameOf({ name: 7, nickname: '' })).toBeNull();
  });
});

describe('where one returns to', () => {
  it('is an address below /ui/ of this very host, whatever is asked for', () => {
    const piece = fc.constantFrom(
      '/',
      '//',
      '\\',
      '..',
      '.',
      'ui',
      '%2e',
      '%2f',
      '%5c',
      ':',
      '@',
      '?',
      '#',
      'a',
      '\t',
      '\n',
      'é',
    );
    const address = fc.oneof(
      fc.string(),
      fc.webUrl(),
      fc.array(piece, { maxLength: 12 }).map((parts) => `/ui/${parts.join('')}`),
    );
    fc.assert(
      fc.property(address, (text) => {
        const to = safeReturnTo(text);
        const led = new URL(to, 'https://ledger.example.com');
        expect(led.origin).toBe('https://ledger.example.com');
        expect(led.pathname.startsWith('/ui/')).toBe(true);
        expect(to).toBe(led.pathname + led.search);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('a sealed attempt', () => {
  afterEach(() => void vi.useRealTimers());
  const key = new Uint8Array(32).fill(7);

  it('is read back by every receiver of the installation, hides what is in it, and by no other', async () => {
    const attempt = newAttempt({ returnTo: '/ui/qa', tenant: '7', replaces: 'A'.repeat(43) });
    const text = await createAttemptSeal(key).seal(attempt);
    expect(await createAttemptSeal(key.slice()).open(text)).toEqual(attempt);
    for (const secret of [attempt.state, attempt.nonce, attempt.verifier, 'A'.repeat(43)]) {
      expect(Buffer.from(text.replaceAll('.', ''), 'base64url').toString('latin1')).not.toContain(secret);
    }
    expect(await createAttemptSeal(new Uint8Array(32)).open(text)).toBeNull();
    for (const other of [null, '', 'a.b.c.d.e', text.slice(0, -2), `${text}.`, text.replace(/^./, 'f')]) {
      expect(await createAttemptSeal(key).open(other)).toBeNull();
    }
  });

  it('is too old after ten minutes', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const seal = createAttemptSeal(key);
    const text = await seal.seal(newAttempt({ returnTo: '/ui/', tenant: null, replaces: null }));
    vi.setSystemTime(Date.now() + 9 * 60_000);
    expect(await seal.open(text)).not.toBeNull();
    vi.setSystemTime(Date.now() + 61_000);
    expect(await seal.open(text)).toBeNull();
  });
});
