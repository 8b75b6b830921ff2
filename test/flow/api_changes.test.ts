/** Reviews, settings and alerts changed over HTTP: what is allowed happens and is on record, what is not changes nothing. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Scene, seedScene } from './api_scene.ts';
import { type ApiUnderTest, startApi, TENANT_A, TENANT_B } from './api_server.ts';

let api: ApiUnderTest;
let scene: Scene;

beforeAll(async () => {
  api = await startApi();
  scene = await seedScene(api.owner);
});
afterAll(() => api.stop());

function send(method: string, path: string, body: unknown, token = api.tokens.reviewer): Promise<Response> {
  const headers = { 'Content-Type': 'application/json' };
  return api.get(path, token, { method, body: JSON.stringify(body), headers });
}

async function actsAbout(object: string): Promise<object[]> {
  const path = `/acts?object=${encodeURIComponent(object)}`;
  return ((await (await api.get(path, api.tokens.admin)).json()) as { acts: object[] }).acts;
}

describe('PATCH /qa/:run/:item', () => {
  const path = '/qa/4711/500';

  it('keeps result, notes, checks, who and when, and counts it; needs_review takes it back', async () => {
    const progress = async () =>
      ((await (await api.get('/qa?run=4711', api.tokens.a)).json()) as { progress: { reviewed: number } }).progress
        .reviewed;
    const before = await progress();
    const review = { result: 'pass', reviewer: 'Ana', notes: 'fine <b>', checks: { domain: true } };
    const answer = await send('PATCH', path, review);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      result: 'pass',
      reviewer: 'Ana',
      notes: 'fine <b>',
      checks: { domain: true, about_text: false, contacts: false, rationale: false },
      reviewed_at: expect.any(String),
    });
    expect(await progress()).toBe(before + 1);
    const undone = await send('PATCH', path, { result: 'needs_review', reviewer: 'Ana' });
    expect(await undone.json()).toMatchObject({
      result: 'needs_review',
      reviewer: null,
      reviewed_at: null,
      notes: 'fine <b>',
    });
    expect(await progress()).toBe(before);
    expect(await actsAbout('qa 4711/500')).toMatchObject([
      {
        act: 'qa_review',
        actor: 'Ana',
        details: { from: 'pass', to: 'needs_review', reviewer_before: 'Ana', token: 'reviewer' },
      },
      { act: 'qa_review', actor: 'Ana', details: { from: 'needs_review', to: 'pass' } },
    ]);
  });

  it.each([
    [{ result: 'pass' }, 'reviewer'],
    [{ result: 'pass', reviewer: '  ' }, 'reviewer'],
    [{ result: 'good', reviewer: 'Ana' }, 'result'],
    [{ result: 'pass', reviewer: 'Ana', checks: { domain: 1 } }, 'checks.domain'],
    [{ result: 'pass', reviewer: 'Ana', checks: { shoes: true } }, 'checks.shoes'],
    [{ result: 'pass', reviewer: 'Ana', checks: { constructor: true } }, 'checks.constructor'],
    [{ result: 'pass', reviewer: 'Ana', notes: 'x'.repeat(2001) }, 'notes'],
    [{ result: 'pass', reviewer: 'Ana', reviewed_at: '2020-01-01' }, 'reviewed_at'],
  ])('%j is a 400 about %s and changes nothing', async (body, about) => {
    const answer = await send('PATCH', path, body);
    expect(answer.status).toBe(400);
    const { errors } = (await answer.json()) as { errors: { parameter: string }[] };
    expect(errors.map((error) => error.parameter)).toContain(about);
    const { rows } = await api.owner.query(
      'select result from qa_samples where tenant_id = $1 and run_id = 4711 and company_id = 500',
      [TENANT_A],
    );
    expect(rows).toEqual([{ result: 'needs_review' }]);
  });

  it('is for reviewers of the tenant and admins; an item that was not drawn is 404', async () => {
    const review = { result: 'fail', reviewer: 'Eve' };
    for (const [token, status] of [
      [api.tokens.a, 403],
      [api.tokens.writeOnly, 403],
      [api.tokens.ingest, 403],
      [api.tokens.revoked, 401],
      [api.tokens.expired, 401],
    ] as const) {
      expect((await send('PATCH', path, review, token)).status).toBe(status);
    }
    expect((await send('PATCH', `${path}?tenant=${TENANT_B}`, review)).status).toBe(404);
    expect((await send('PATCH', '/qa/4711/9', review)).status).toBe(404);
    expect((await send('PATCH', '/qa/4711/x', review)).status).toBe(400);
    expect((await send('PATCH', path, review, api.tokens.admin)).status).toBe(409);
    expect((await send('PATCH', `${path}?tenant=${TENANT_A}`, review, api.tokens.admin)).status).toBe(200);
    const { rows } = await api.owner.query(
      'select tenant_id, reviewer from qa_samples where run_id = 4711 and company_id = 500 order by 1',
    );
    expect(rows).toEqual([
      { tenant_id: TENANT_A, reviewer: 'Eve' },
      { tenant_id: TENANT_B, reviewer: null },
    ]);
  });
});

describe('PUT /qa/settings', () => {
  const setting = { tenant: TENANT_B, bucket: 'Low', sample_limit: 3, checks: { name: false } };

  it('sets the limit and the checklist of a bucket, for admins alone', async () => {
    for (const token of [api.tokens.a, api.tokens.reviewer, api.tokens.ingest]) {
      expect((await send('PUT', '/qa/settings', setting, token)).status).toBe(403);
    }
    const answer = await send('PUT', '/qa/settings', setting, api.tokens.admin);
    expect(await answer.json()).toEqual({
      ...setting,
      tenant: undefined,
      tenant_id: TENANT_B,
      tenant_name: null,
      bucket: 'low',
    });
    const again = await send('PUT', '/qa/settings', { ...setting, sample_limit: 0, by: 'Ana' }, api.tokens.admin);
    expect(await again.json()).toMatchObject({ sample_limit: 0 });
    const seen = async (token: string) => {
      const { settings } = (await (await api.get('/qa/settings', token)).json()) as {
        settings: { tenant_id: number; bucket: string }[];
      };
      return settings.map((line) => `${line.tenant_id} ${line.bucket}`);
    };
    expect(await seen(api.tokens.b)).toContain(`${TENANT_B} low`);
    expect(await seen(api.tokens.a)).not.toContain(`${TENANT_B} low`);
    expect(await actsAbout('bucket low')).toMatchObject([{ actor: 'Ana' }, { actor: 'admin' }]);
  });

  it.each([
    { ...setting, sample_limit: 201 },
    { ...setting, sample_limit: 1.5 },
    { ...setting, checks: { name: 'no' } },
    { ...setting, checks: { '': false } },
    { ...setting, bucket: '' },
    { ...setting, tenant: 0 },
  ])('%j is a 400', async (body) => {
    expect((await send('PUT', '/qa/settings', body, api.tokens.admin)).status).toBe(400);
  });
});

describe('alerts', () => {
  it('are acknowledged and snoozed by name, which is on record; a resolved one is 409', async () => {
    const path = `/alerts/${scene.alertOf.a}`;
    const acked = await send('POST', `${path}/ack`, { by: 'Ana', note: 'on it' });
    expect(acked.status).toBe(200);
    expect(await acked.json()).toMatchObject({ state: 'acked', acked_by: 'Ana', note: 'on it' });
    const snoozed = await send('POST', `${path}/snooze`, { by: 'Ben', minutes: 90 });
    const answer = (await snoozed.json()) as { state: string; snoozed_until: string; acts: object[] };
    expect(answer).toMatchObject({ state: 'snoozed', snoozed_by: 'Ben', note: 'on it' });
    expect(Date.parse(answer.snoozed_until) - Date.now()).toBeGreaterThan(89 * 60_000);
    expect(answer.acts).toMatchObject([
      { act: 'alert_ack', actor: `Ana of ${TENANT_A}` },
      { act: 'alert_ack', actor: 'Ana', reason: 'on it' },
      { act: 'alert_snooze', actor: 'Ben' },
    ]);
    const { alerts } = (await (await api.get('/alerts?state=resolved', api.tokens.a)).json()) as {
      alerts: { alert_id: number }[];
    };
    const late = await send('POST', `/alerts/${alerts[0]?.alert_id}/ack`, { by: 'Ana' });
    expect(late.status).toBe(409);
    expect(await late.json()).toMatchObject({ resolved_because: 'good', detail: expect.stringContaining('resolved') });
  });

  it.each([
    ['ack', {}],
    ['ack', { by: '' }],
    ['snooze', { by: 'Ana' }],
    ['snooze', { by: 'Ana', minutes: 5, until: '2030-01-01T00:00:00Z' }],
    ['snooze', { by: 'Ana', minutes: 0 }],
    ['snooze', { by: 'Ana', until: '2020-01-01T00:00:00Z' }],
    ['snooze', { by: 'Ana', until: '2200-01-01T00:00:00Z' }],
  ])('%s with %j is a 400', async (what, body) => {
    expect((await send('POST', `/alerts/${scene.alertOf.a}/${what}`, body)).status).toBe(400);
  });

  it("another tenant's is 404 and stays as it is", async () => {
    for (const [what, body] of [
      ['ack', { by: 'Eve' }],
      ['snooze', { by: 'Eve', minutes: 5 }],
    ] as const) {
      const path = `/alerts/${scene.alertOf.b}/${what}`;
      expect((await send('POST', path, body)).status).toBe(404);
      expect((await send('POST', path, body, api.tokens.a)).status).toBe(403);
      expect((await send('POST', path, body, api.tokens.writeOnly)).status).toBe(403);
      expect((await send('POST', path, body, api.tokens.revoked)).status).toBe(401);
    }
    const { rows } = await api.owner.query('select state from runledger.alerts where alert_id = $1', [scene.alertOf.b]);
    expect(rows).toEqual([{ state: 'firing' }]);
  });

  it('page by key through all states, firing first, without a line twice', async () => {
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page = (await (await api.get(`/alerts?limit=1${query}`, api.tokens.b)).json()) as {
        alerts: { state: string; rule: string }[];
        next_cursor: string | null;
        open: object;
      };
      expect(page.open).toEqual({ firing: 2, acked: 1, snoozed: 0 });
      seen.push(...page.alerts.map((alert) => `${alert.state} ${alert.rule}`));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual([
      'firing crawl_error_rate',
      'firing run_failed',
      'acked vendor_limits',
      'resolved cost_budget',
    ]);
  });
});
