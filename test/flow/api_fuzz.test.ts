/** Whatever is asked and sent, the API answers with success or says what is wrong with it: never a 500, and nothing of its inside. */

import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiUnderTest, startApi, TENANT_A } from './api_server.ts';

let api: ApiUnderTest;

beforeAll(async () => {
  api = await startApi();
  await api.owner.query(
    `insert into enrichment_runs (run_id, tenant_id, pipeline, started_at, first_event_at, last_event_at)
     select n, $1, 'p0', timestamptz '2026-11-01' + n * interval '1 hour', timestamptz '2026-11-01', timestamptz '2026-11-02' from generate_series(1, 3) n`,
    [TENANT_A],
  );
});
afterAll(() => api.stop());

const parameter = fc.constantFrom(
  'tenant',
  'pipeline',
  'status',
  'from',
  'to',
  'limit',
  'cursor',
  'run_id',
  'q',
  'has_alerts',
  'environment',
  'run',
  'result',
  'bucket',
  'reviewer',
  'state',
  'code',
  'stage',
  'kind',
  'vendor',
  'item',
  'event',
  'error_code',
  'sort',
  'steps',
  'with',
  'weeks',
  'by',
  'act',
  'object',
  'x',
  '__proto__',
  'constructor',
);
const nasty = fc.constantFrom(
  '',
  '0',
  '-1',
  '1e3',
  '99999999999999999999',
  '4503599627370496',
  '9007199254740993',
  '2026-13-45',
  '0000-01-01',
  '+275760-09-13',
  '2026-11-01T25:00:00Z',
  '2026-02-31T00:00:00Z',
  '9999-12-31T23:59:59.999999Z',
  '\0',
  'a\0b',
  "'; drop table x; --",
  '\u{1f600}',
  '\ud800',
  '%',
  '../..',
  'eyJhIjoxfQ',
  Buffer.from('["-infinity",0,0]').toString('base64url'),
  Buffer.from('["9999-99-99T99:99:99+00:00",1,1]').toString('base64url'),
  Buffer.from('["2026-01-01T00:00:00+00:00",1e300,1]').toString('base64url'),
  Buffer.from('[1,2]').toString('base64url'),
  Buffer.from('["2026-01-01T00:00:00+00:00","\\u0000",1]').toString('base64url'),
  Buffer.from('["-infinity","ffffffffffffffff",-2147483648]').toString('base64url'),
  Buffer.from('["-infinity",7,1,1]').toString('base64url'),
  Buffer.from('[3,"-infinity",1,1]').toString('base64url'),
  'firing,acked',
  'slowest',
  'day',
  'crawl',
  'true',
  '240',
);
const value = fc.oneof(nasty, fc.string({ unit: 'binary', maxLength: 300 }), fc.nat().map(String));
/** Routes with parameters of their own, each with a combination that reaches the database. */
const LISTS = [
  '/runs/2/events',
  '/runs/2/errors',
  '/runs/2/timeline',
  '/runs/2/durations',
  '/runs/2/compare',
  '/pipelines',
  '/qa',
  '/qa/summary',
  '/qa/settings',
  '/alerts',
  '/alerts/1',
  '/trends',
  '/metrics/tenants',
  '/tenants/7',
  '/tenants/7/overview',
  '/acts',
  '/ingest/health',
  '/me',
  '/openapi.json',
  '/runbooks',
  '/export/run_events.jsonl',
  '/export/qa.csv',
];

const path = fc.oneof(
  fc.constantFrom(
    '/runs',
    '/export/run_events.csv',
    '/tokens',
    '/tenants',
    '/healthz',
    '/',
    '/runs/1/stats',
    '/runs/1/metrics',
    ...LISTS,
  ),
  value.map((ref) => `/runs/${encode(ref)}`),
  value.map((ref) => `/alerts/${encode(ref)}`),
  value.map((ref) => `/tenants/${encode(ref)}/overview`),
  value.map((ref) => `/runbooks/${encode(ref)}`),
  value.map((ref) => `/runs/2/events?cursor=${encode(ref)}&x`),
  fc.string({ unit: 'binary-ascii', maxLength: 30 }).map((text) => `/runs/${text.replace(/[^!-~]|[#?\\]/g, '%')}`),
);

function encode(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}

it('fuzzed paths and parameters give 2xx or a 4xx as problem+json, never a 500', async () => {
  await fc.assert(
    fc.asyncProperty(
      path,
      fc.array(fc.tuple(parameter, value), { maxLength: 4 }),
      fc.boolean(),
      async (route, pairs, admin) => {
        const query = pairs.map(([name, text]) => `${name}=${encode(text)}`).join('&');
        const answer = await api.get(
          `${route}${route.includes('?') ? '=&' : '?'}${query}`,
          admin ? api.tokens.admin : api.tokens.a,
        );
        const text = await answer.text();
        expect(answer.status, `${route}?${query} ${text}`).toBeLessThan(500);
        if (answer.status >= 400) expect(answer.headers.get('content-type')).toMatch(/application\/problem\+json/);
        expect(text).not.toMatch(/node_modules|\.ts:\d|select |PostgreSQL error/);
      },
    ),
    { numRuns: 1500 },
  );
}, 120_000);

const jsonBody = fc.oneof(
  fc.json(),
  fc.string(),
  fc.object({ key: fc.constantFrom('kind', 'tenant', 'name', 'scopes', 'expires_at') }).map((o) => JSON.stringify(o)),
  fc
    .dictionary(
      fc.constantFrom(
        'action',
        'by',
        'reason',
        'note',
        'result',
        'reviewer',
        'checks',
        'bucket',
        'sample_limit',
        'tenant',
        'until',
        'minutes',
        'status',
        'pipeline',
      ),
      fc.oneof(
        fc.constantFrom<unknown>(
          'cancel',
          'exclude',
          'note',
          'Ana',
          'pass',
          {},
          { '': true },
          7,
          -1,
          1e300,
          null,
          '\0',
          '\ud800',
        ),
        fc.jsonValue(),
      ),
    )
    .map((o) => JSON.stringify(o)),
);

const CHANGES: readonly [string, string][] = [
  ['POST', '/tokens'],
  ['POST', '/tokens/1/rotate'],
  ['POST', '/tenants'],
  ['PATCH', '/tenants/8'],
  ['POST', '/runs'],
  ['PATCH', `/runs/2?tenant=${TENANT_A}`],
  ['PATCH', `/qa/2/5?tenant=${TENANT_A}`],
  ['PUT', '/qa/settings'],
  ['POST', '/alerts/1/ack'],
  ['POST', '/alerts/1/snooze'],
];

it('fuzzed bodies of changes are never a 500', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...CHANGES), jsonBody, async ([method, route], body) => {
      const answer = await api.get(route, api.tokens.admin, {
        method,
        body,
        headers: { 'Content-Type': 'application/json' },
      });
      const text = await answer.text();
      // Nothing receives spans here, so that signals of runs are the one thing that is 503.
      expect(answer.status === 503 ? text : answer.status, `${method} ${route} ${body} ${text}`).toSatisfy((seen) =>
        typeof seen === 'number' ? seen < 500 : String(seen).includes('takes no signals'),
      );
    }),
    { numRuns: 800 },
  );
});
