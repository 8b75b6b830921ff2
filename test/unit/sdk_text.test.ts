import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { errorCode, errorMessage, httpStatus, saysQuota } from '../../sdk/errors.ts';
import { langsmithLink, langsmithUrl } from '../../sdk/index.ts';
import { makeRunKey } from '../../sdk/key.ts';
import { sameVendor } from '../../sdk/other_spans.ts';
import { maskEmails } from '../../sdk/privacy.ts';

afterEach(() => vi.unstubAllEnvs());

test.each([
  [Object.assign(new Error('x'), { code: 'ECONNRESET' }), 'ECONNRESET'],
  [Object.assign(new Error('x'), { status: 503 }), 'HTTP_503'],
  [Object.assign(new Error('x'), { code: 'ERR_BAD_REQUEST', response: { status: 404 } }), 'HTTP_404'],
  [Object.assign(new Error('x'), { code: 'insufficient_quota', status: 429 }), 'insufficient_quota'],
  [new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) }), 'ECONNREFUSED'],
  [new DOMException('too slow', 'TimeoutError'), 'TimeoutError'],
  [new RangeError('x'), 'RangeError'],
  [new Error('x'), 'ERROR'],
  ['LOGIN_REJECTED', 'LOGIN_REJECTED'],
  ['the page of ada@example.com was empty', 'ERROR'],
  [undefined, 'ERROR'],
  [null, 'ERROR'],
  [17, 'ERROR'],
])('error %o has code %s', (error, code) => {
  expect(errorCode(error)).toBe(code);
});

test('no error, however odd, makes the code longer than 64 characters or the message longer than 256', () => {
  fc.assert(
    fc.property(fc.anything(), fc.string(), fc.string({ maxLength: 2_000 }), (thing, code, message) => {
      for (const error of [thing, { code, message }, Object.assign(new Error(message), { code, cause: thing })]) {
        expect(errorCode(error).length).toBeLessThanOrEqual(64);
        expect(errorCode(error)).not.toBe('');
        expect(errorMessage(error).length).toBeLessThanOrEqual(256);
        expect(httpStatus(error) ?? 400).toBeGreaterThanOrEqual(400);
      }
    }),
  );
});

test('no e-mail address survives masking, wherever it stands, and equal ones stay equal', () => {
  fc.assert(
    fc.property(fc.emailAddress(), fc.string(), fc.string(), (address, before, after) => {
      const masked = maskEmails(`${before} ${address} ${after}`);
      expect(masked).not.toContain(` ${address} `);
    }),
  );
  expect(maskEmails('Ada@Example.com')).toBe(maskEmails('ada@example.com'));
  expect(maskEmails('x ada@example.com')).toMatch(/^x email:[0-9a-f]{16}$/);
});

test('masking stays fast on long text that almost holds addresses', () => {
  const hostile = 'a@'.repeat(50_000) + 'a'.repeat(100_000);
  expect(maskEmails(hostile)).toBe(hostile);
});

test('run keys sort by time, never collide, and are never mistaken for a number', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.integer({ min: 0, max: 4e12 }),
      fc.integer({ min: 1, max: 1e9 }),
      (name, now, later) => {
        const [first, second] = [makeRunKey(name, now), makeRunKey(name, now + later)];
        expect(first < second).toBe(true);
        expect(first.length).toBeLessThanOrEqual(200);
        expect(first).toMatch(/^[A-Za-z0-9._-]+$/);
        expect(first).not.toMatch(/^\d+$/);
      },
    ),
  );
  expect(new Set(Array.from({ length: 1_000 }, () => makeRunKey('nightly', 0))).size).toBe(1_000);
  expect(makeRunKey('nightly', Date.UTC(2026, 10, 23, 2))).toMatch(/^nightly-20261123T020000\.000Z-[0-9a-f]{8}$/);
});

test.each([
  ['openai', 'azure.ai.openai', true],
  ['aws.bedrock', 'bedrock', true],
  ['xai', 'x_ai', true],
  ['openai', 'OpenAI', true],
  ['vertex', 'gcp.gemini', true],
  ['grok', 'x_ai', true],
  ['openai', 'anthropic', false],
  ['tavily', '', false],
])('%s and %s are one vendor: %s', (a, b, same) => {
  expect(sameVendor(a, b)).toBe(same);
});

test('quota codes are known, other codes are not', () => {
  expect(saysQuota('insufficient_quota')).toBe(true);
  expect(saysQuota('rate_limit_exceeded')).toBe(false);
  expect(saysQuota(402)).toBe(false);
});

test.each([
  [undefined, 'https://smith.langchain.com'],
  ['https://api.smith.langchain.com', 'https://smith.langchain.com'],
  ['https://eu.api.smith.langchain.com', 'https://eu.smith.langchain.com'],
  ['https://langsmith.example.com/api/v1', 'https://langsmith.example.com'],
  ['https://example.com/smith/api', 'https://example.com/smith'],
  ['http://localhost:1984', 'http://localhost:3000'],
])('LangSmith at %s links to %s', (endpoint, host) => {
  vi.stubEnv('LANGSMITH_WORKSPACE_ID', 'w1');
  vi.stubEnv('LANGSMITH_PROJECT_ID', 'p1');
  vi.stubEnv('LANGSMITH_ENDPOINT', endpoint ?? '');
  expect(langsmithUrl('r 1')).toBe(`${host}/o/w1/projects/p/p1/r/r%201?poll=true`);
  expect(langsmithUrl()).toBe(`${host}/o/w1/projects/p/p1`);
});

test('without workspace or project there is no link rather than a broken one', () => {
  vi.stubEnv('LANGSMITH_WORKSPACE_ID', '');
  vi.stubEnv('LANGSMITH_PROJECT_ID', '');
  expect(langsmithUrl('r')).toBeUndefined();
  expect(langsmithLink('r')).toEqual({});
  expect(langsmithUrl('r', { endpoint: 'not a url', workspaceId: 'w', projectId: 'p' })).toBeUndefined();
});
