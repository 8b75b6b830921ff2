/** The dashboard's sign-in and files as an attacker, a cache and a browser without its scripts see them. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gzipSync } from 'node:zlib';
import express from 'express';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemHandler } from '../../receiver/serve/problem.ts';
import { createSignInCodes } from '../../receiver/serve/sign_in_codes.ts';
import { createUi } from '../../receiver/serve/ui.ts';
import { loadUiFiles } from '../../receiver/serve/ui_files.ts';
import { revokeToken } from '../../receiver/store/tokens.ts';
import { type ApiUnderTest, startApi } from './api_server.ts';

const UI = { 'X-Runledger-Ui': '1', 'Content-Type': 'application/json' };

let api: ApiUnderTest;

beforeAll(async () => {
  api = await startApi();
});

afterAll(() => api.stop());

async function signIn(token: string, headers: Record<string, string> = UI): Promise<Response> {
  return fetch(`${api.url}/ui/session`, { method: 'POST', headers, body: JSON.stringify({ token }) });
}

async function cookieOf(token: string): Promise<string> {
  const answer = await signIn(token);
  expect(answer.status).toBe(200);
  return answer.headers.get('set-cookie')?.split(';')[0] ?? '';
}

const withCookie = (cookie: string, path: string, init: RequestInit = {}) =>
  fetch(api.url + path, { ...init, headers: { Cookie: cookie, ...init.headers } });

describe('signing in', () => {
  it('gives a cookie that no script reads and no other site sends, and that holds nothing of the token', async () => {
    const answer = await signIn(api.tokens.admin);
    const cookie = answer.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^runledger_\d+=[\w-]{43}; Max-Age=\d+; Path=\/; Expires=.*; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(api.tokens.admin);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.json()).toMatchObject({ signed_in: true, kind: 'admin', tenant_id: null, can_review: true });
    const behindTls = await signIn(api.tokens.admin, { ...UI, Origin: 'https://ledger.example' });
    expect(behindTls.headers.get('set-cookie')).toContain('; Secure');
  });

  it('refuses what is no token, a dead one, and one that could only send', async () => {
    expect((await signIn('nonsense')).status).toBe(401);
    expect((await signIn(api.tokens.revoked)).status).toBe(401);
    expect((await signIn(api.tokens.ingest)).status).toBe(403);
    expect((await signIn(api.tokens.writeOnly)).status).toBe(403);
    for (const body of ['', '{}', '[]', '{"token":7}', '{"token":"a","code":"b"}', '{"token":"\u0000"}', '{']) {
      const answer = await fetch(`${api.url}/ui/session`, { method: 'POST', headers: UI, body });
      expect([400, 401], body).toContain(answer.status);
      expect(answer.headers.get('set-cookie')).toBeNull();
    }
  });

  it('takes place only from the dashboard itself: a form of another page is refused', async () => {
    expect((await signIn(api.tokens.admin, { 'Content-Type': 'application/json' })).status).toBe(403);
    for (const site of ['cross-site', 'same-site']) {
      expect((await signIn(api.tokens.admin, { ...UI, 'Sec-Fetch-Site': site })).status).toBe(403);
    }
  });

  it('says who is signed in, and ends', async () => {
    const cookie = await cookieOf(api.tokens.a);
    const state = () => withCookie(cookie, '/ui/session').then((answer) => answer.json());
    expect(await state()).toMatchObject({ signed_in: true, kind: 'tenant', tenant_id: 7 });
    expect((await withCookie(cookie, '/ui/session', { method: 'DELETE' })).status).toBe(403);
    expect((await withCookie(cookie, '/ui/session', { method: 'DELETE', headers: UI })).status).toBe(204);
    expect(await state()).toMatchObject({ signed_in: false });
    expect((await withCookie(cookie, '/runs')).status).toBe(401);
  });

  it('by link works once, and only while the code is young', async () => {
    let now = 1_000_000;
    const codes = createSignInCodes(() => now);
    const first = codes.issue('token');
    expect(codes.redeem(`${first}x`)).toBeNull();
    expect(codes.redeem(first)).toBe('token');
    expect(codes.redeem(first)).toBeNull();
    const second = codes.issue('token');
    now += 15 * 60_000 + 1;
    expect(codes.redeem(second)).toBeNull();
    const many = Array.from({ length: 200 }, () => codes.issue('token'));
    expect(codes.redeem(many[0] ?? '')).toBeNull();
    expect(codes.redeem(many[199] ?? '')).toBe('token');
  });
});

describe('the cookie', () => {
  it('reads what its token reads, and nothing else', async () => {
    const [own, all] = [await cookieOf(api.tokens.a), await cookieOf(api.tokens.admin)];
    expect((await withCookie(own, '/runs')).status).toBe(200);
    expect((await withCookie(own, '/tokens')).status).toBe(403);
    expect((await withCookie(all, '/tokens')).status).toBe(200);
    expect((await withCookie(`${own}x`, '/runs')).status).toBe(401);
    expect((await withCookie(own.replace(/=.*/, '=__proto__'), '/runs')).status).toBe(401);
    // Another ledger on another port of this machine has cookies of its own.
    expect((await withCookie(own.replace(/^runledger_\d+/, 'runledger_1'), '/runs')).status).toBe(401);
  });

  it('changes nothing without the header that only the dashboard sends', async () => {
    const cookie = await cookieOf(api.tokens.admin);
    const add = (headers: Record<string, string>) =>
      withCookie(cookie, '/tenants', { method: 'POST', headers, body: JSON.stringify({ tenant: 4711 }) });
    expect((await add({ 'Content-Type': 'application/json' })).status).toBe(403);
    expect((await add({ 'Content-Type': 'text/plain' })).status).toBe(403);
    expect((await add({ ...UI, 'Sec-Fetch-Site': 'cross-site' })).status).toBe(401);
    expect((await add(UI)).status).toBe(201);
  });

  it('is not heeded when a page on another port of the same host asks', async () => {
    const cookie = await cookieOf(api.tokens.admin);
    const from = (site: string) => withCookie(cookie, '/runs', { headers: { 'Sec-Fetch-Site': site } });
    expect((await from('same-site')).status).toBe(401);
    expect((await from('cross-site')).status).toBe(401);
    expect((await from('same-origin')).status).toBe(200);
    expect((await from('none')).status).toBe(200);
  });

  it('never wins over a token that is sent as well', async () => {
    const cookie = await cookieOf(api.tokens.admin);
    const answer = await withCookie(cookie, '/tokens', { headers: { Authorization: `Bearer ${api.tokens.a}` } });
    expect(answer.status).toBe(403);
  });

  it('ends with its token', async () => {
    const made = await api.get('/tokens', api.tokens.admin, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ kind: 'admin', name: 'soon gone' }),
    });
    const { token, token_id } = (await made.json()) as { token: string; token_id: number };
    const cookie = await cookieOf(token);
    await revokeToken(api.operators, token_id);
    await expect.poll(async () => (await withCookie(cookie, '/runs')).status).toBe(401);
    expect(await (await withCookie(cookie, '/ui/session')).json()).toMatchObject({ signed_in: false });
  });

  it('stands in no line of the log', async () => {
    const cookie = await cookieOf(api.tokens.admin);
    await withCookie(cookie, '/runs?nonsense=1');
    const logged = api.logged.join('\n');
    expect(logged).not.toContain(cookie.split('=')[1]);
    expect(logged).not.toContain(api.tokens.admin);
  });
});

describe('the files', () => {
  const SCRIPT = 'export const answer = 42;\n'.repeat(200);
  let folder: string;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'runledger-ui-'));
    mkdirSync(join(folder, 'built', 'assets'), { recursive: true });
    writeFileSync(join(folder, 'secret.json'), '{"secret":true}');
    writeFileSync(join(folder, 'built', 'index.html'), '<!doctype html><title>Runledger</title>');
    const script = join(folder, 'built', 'assets', 'app-1a2b.js');
    writeFileSync(script, SCRIPT);
    writeFileSync(`${script}.br`, brotliCompressSync(SCRIPT));
    writeFileSync(`${script}.gz`, gzipSync(SCRIPT));
    const app = express();
    app.use(createUi(loadUiFiles(join(folder, 'built'))).routes);
    app.use(problemHandler(pino({ level: 'silent' })));
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** As it is written, without what a client would tidy up in the path. */
  function raw(path: string, headers: Record<string, string> = {}, method = 'GET') {
    return new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      })
        .on('error', reject)
        .end();
    });
  }

  it('named by their content are kept for a year, the page itself is asked for each time and mostly answered with 304', async () => {
    const script = await fetch(`${url}/ui/assets/app-1a2b.js`);
    expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    const page = await fetch(`${url}/ui/`);
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const again = await raw('/ui/', { 'If-None-Match': page.headers.get('etag') ?? '' });
    expect(again.status).toBe(304);
    expect(again.body).toHaveLength(0);
  });

  it('come in the form that the browser takes, each with its own tag', async () => {
    const as = (encoding: string) => raw('/ui/assets/app-1a2b.js', { 'Accept-Encoding': encoding });
    const [br, gzip, plain, none] = await Promise.all(['gzip, br', 'gzip', 'identity', 'br;q=0'].map(as));
    expect(br?.headers).toMatchObject({ 'content-encoding': 'br', vary: 'Accept-Encoding' });
    expect(brotliDecompressSync(br?.body ?? Buffer.alloc(0)).toString()).toBe(SCRIPT);
    expect(gzip?.headers['content-encoding']).toBe('gzip');
    expect(plain?.body.toString()).toBe(SCRIPT);
    expect(none?.body.toString()).toBe(SCRIPT);
    expect(new Set([br, gzip, plain].map((answer) => answer?.headers.etag)).size).toBe(3);
  });

  it('allow a script of ours and nothing written into the page', async () => {
    const policy = (await fetch(`${url}/ui/`)).headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*|data:/);
  });

  it('are the built ones and no others, however the path is written', async () => {
    const paths = [
      '/ui/../secret.json',
      '/ui/assets/../../secret.json',
      '/ui/assets/..%2f..%2fsecret.json',
      '/ui/%2e%2e/secret.json',
      '/ui/assets/%2e%2e%2f%2e%2e%2fsecret.json',
      '/ui/assets/..\\..\\secret.json',
      '/ui//etc/passwd',
      '/ui/assets/app-1a2b.js.br',
      '/ui/assets/app-1a2b.js%00',
      '/ui/assets/',
      '/ui/assets/__proto__',
      '/ui/assets/constructor',
    ];
    for (const path of paths) {
      const answer = await raw(path);
      expect([400, 404], path).toContain(answer.status);
      expect(answer.body.toString(), path).not.toContain('secret":true');
    }
    expect((await raw('/ui/%')).status).toBeLessThan(500);
  });

  it('answer deep links with the page, addresses that are none of ours too, but with 404', async () => {
    for (const path of ['/ui/', '/ui/runs/7/123', '/ui/runs/7/a%2Fb?view=events', '/ui/alerts', '/ui/sign-in']) {
      const answer = await fetch(url + path);
      expect(answer.status, path).toBe(200);
      expect(await answer.text()).toContain('<title>Runledger');
    }
    const unknown = await fetch(`${url}/ui/nothing`);
    expect(unknown.status).toBe(404);
    expect(await unknown.text()).toContain('<title>Runledger');
    const bare = await raw('/ui');
    expect(bare).toMatchObject({ status: 308, headers: { location: '/ui/' } });
  });

  it('answer HEAD like GET without a body, and refuse everything else', async () => {
    const head = await raw('/ui/assets/app-1a2b.js', { 'Accept-Encoding': 'br' }, 'HEAD');
    expect(head.status).toBe(200);
    expect(head.body).toHaveLength(0);
    expect(Number(head.headers['content-length'])).toBe(brotliCompressSync(SCRIPT).length);
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      expect(await raw('/ui/', {}, method)).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
    }
  });

  it('say how to build them when they are not built', async () => {
    expect(loadUiFiles(join(folder, 'nowhere'))).toBeNull();
    const app = express();
    const ui = createUi(null);
    app.use(ui.routes);
    app.use(problemHandler(pino({ level: 'silent' })));
    const other = createServer(app);
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const answer = await fetch(`http://127.0.0.1:${(other.address() as AddressInfo).port}/ui/`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining('npm run build') });
    expect(ui.isBuilt).toBe(false);
    other.closeAllConnections();
    other.close();
  });
});
