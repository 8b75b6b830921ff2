/** Channels and rules by the API: what it sets is what is told and judged by, secrets go in and never come out, and each change says who. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ChannelLine, RuleLine } from '../../receiver/serve/shape_alerting.ts';
import { startTarget, type TestTarget } from '../helpers/hostile_server.ts';
import { type ApiUnderTest, startApi, TENANT_A, TENANT_B } from './api_server.ts';

const SECRET_URL = 'https://hooks.example.com/services/SECRET-PATH?key=SECRET-QUERY';
const KEY = 'SECRET-KEY-0123456789';
const SECRET = /SECRET-PATH|SECRET-QUERY|SECRET-KEY/;

let api: ApiUnderTest;
const targets: TestTarget[] = [];
/** Everything that was answered in a test. */
let answered: string[] = [];

beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());
beforeEach(async () => {
  answered = [];
  await api.owner.query(
    'delete from runledger.alert_channels; delete from runledger.alert_overrides; delete from runledger.acts',
  );
});
afterEach(async () => {
  expect(answered.join('\n')).not.toMatch(SECRET);
  const { rows } = await api.owner.query('select a::text as line from runledger.acts a');
  expect(rows.map(({ line }) => line).join('\n')).not.toMatch(SECRET);
  expect(api.logged.join('\n')).not.toMatch(SECRET);
  await Promise.all(targets.splice(0).map((target) => target.close()));
});

async function ask(method: string, path: string, body?: unknown, token = api.tokens.admin) {
  const answer = await api.get(path, token, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  });
  const text = await answer.text();
  answered.push(text);
  return { status: answer.status, json: text === '' ? null : JSON.parse(text) };
}

async function acts(): Promise<[string, string, number][]> {
  const { rows } = await api.owner.query('select act, object, tenant_id, details from runledger.acts order by act_id');
  for (const { details } of rows) expect(details).toMatchObject({ token: 'admin', token_id: expect.any(Number) });
  return rows.map(({ act, object, tenant_id }) => [act, object, tenant_id]);
}

const channels = async (tenant = '') => {
  const { json } = await ask('GET', `/channels${tenant}`);
  return (json as { channels: ChannelLine[] }).channels;
};

describe('channels', () => {
  it('are made, changed, disabled and removed, and each act is kept', async () => {
    const body = { channel: 'hook', kind: 'webhook', url: SECRET_URL, secret: KEY, min_severity: 'page' };
    const made = await ask('POST', '/channels', body);
    expect(made).toMatchObject({
      status: 201,
      json: { tenant_id: 0, channel: 'hook', host: 'hooks.example.com', min_severity: 'page', enabled: true },
    });
    expect(Object.keys(made.json)).not.toContain('secret');
    expect((await ask('POST', '/channels', { ...body, tenant: TENANT_A, min_severity: 'warn' })).status).toBe(201);
    expect((await ask('POST', '/channels', { channel: 'hook', kind: 'webhook', url: SECRET_URL })).status).toBe(200);
    expect((await ask('PATCH', '/channels/hook', { enabled: false })).json).toMatchObject({ enabled: false });
    expect((await channels()).map(({ tenant_id, enabled }) => [tenant_id, enabled])).toEqual([
      [0, false],
      [TENANT_A, true],
    ]);
    expect((await channels(`?tenant=${TENANT_A}`)).map(({ tenant_id }) => tenant_id)).toEqual([TENANT_A]);
    expect((await ask('PATCH', '/channels/hook', { enabled: true })).status).toBe(200);
    expect((await ask('DELETE', `/channels/hook?tenant=${TENANT_A}`)).status).toBe(204);
    expect((await ask('DELETE', `/channels/hook?tenant=${TENANT_A}`)).status).toBe(404);
    expect((await channels()).map(({ channel }) => channel)).toEqual(['hook']);
    // A change without a secret keeps the one that is there.
    const { rows } = await api.owner.query('select secret from runledger.alert_channels');
    expect(rows).toEqual([{ secret: KEY }]);
    expect(await acts()).toEqual([
      ['channel_add', 'channel hook', 0],
      ['channel_add', 'channel hook', TENANT_A],
      ['channel_change', 'channel hook', 0],
      ['channel_disable', 'channel hook', 0],
      ['channel_enable', 'channel hook', 0],
      ['channel_remove', 'channel hook', TENANT_A],
    ]);
  });

  it('a test sends one real signed message and says what came back', async () => {
    const target = await startTarget();
    targets.push(target);
    const body = { channel: 'hook', kind: 'webhook', url: target.url, secret: KEY, allow_private: true };
    expect((await ask('POST', '/channels', body)).status).toBe(201);
    expect(await ask('POST', '/channels/hook/test')).toMatchObject({
      status: 200,
      json: { ok: true, status: 200, failure: null },
    });
    expect(target.received).toHaveLength(1);
    expect(target.received[0]?.headers['runledger-signature']).toMatch(/^t=\d+,v1=[0-9a-f]{64}$/);
    expect((await ask('POST', '/channels/nobody/test')).status).toBe(404);
    await target.close();
    expect((await ask('POST', '/channels/hook/test')).json).toMatchObject({ ok: false, status: null });
    expect((await acts()).map(([act]) => act)).toEqual(['channel_add', 'channel_test', 'channel_test']);
  });

  it.each([
    [{ kind: 'webhook', secret: undefined }, 'secret is needed'],
    [{ url: 'http://127.0.0.1:9/SECRET-PATH' }, 'The URL'],
    [{ url: 'https://10.0.0.1/SECRET-PATH' }, 'The URL'],
    [{ url: 'no address SECRET-PATH' }, 'The URL'],
    [{ secret: 'SECRET-KEY' }, 'secret must have 16'],
    [{ kind: 'slack' }, 'takes no secret'],
    [{ channel: 'Hook' }, 'name of a channel'],
    [{ kind: 'mail' }, 'must be one of'],
    [{ unknown: 1 }, 'is not known'],
  ])('%j is refused without a word of what is secret, and nothing is made', async (change, words) => {
    const body = { channel: 'hook', kind: 'webhook', url: SECRET_URL, secret: KEY, ...change };
    const { status, json } = await ask('POST', '/channels', body);
    expect([status, json.detail]).toEqual([400, expect.stringContaining(words)]);
    expect(await channels()).toEqual([]);
    expect(await acts()).toEqual([]);
  });

  it('the one of SLACK_WEBHOOK_URL is not removed or changed, and an unknown tenant is none', async () => {
    await api.owner.query(
      `insert into runledger.alert_channels (tenant_id, channel, kind, url, from_environment) values (0, 'slack', 'slack', $1, true)`,
      [SECRET_URL],
    );
    expect((await ask('DELETE', '/channels/slack')).json.detail).toContain('SLACK_WEBHOOK_URL');
    const change = await ask('POST', '/channels', { channel: 'slack', kind: 'slack', url: SECRET_URL });
    expect(change).toMatchObject({ status: 400, json: { detail: expect.stringContaining('SLACK_WEBHOOK_URL') } });
    expect((await ask('GET', '/channels?tenant=nobody')).status).toBe(404);
    expect((await ask('DELETE', '/channels/slack?tenant=nobody')).status).toBe(404);
  });
});

describe('rules', () => {
  const rule = async (name: string): Promise<RuleLine> => {
    const found = ((await ask('GET', '/rules')).json as { rules: RuleLine[] }).rules.find((one) => one.rule === name);
    if (found === undefined) throw new Error(`There is no ${name}`);
    return found;
  };

  it('a rule is changed in what is named, and each act says who and why', async () => {
    const before = await rule('crawl_error_rate');
    const changed = await ask('PATCH', '/rules/crawl_error_rate', {
      parameters: { warn_above: 0.2 },
      severity: 'page',
      remind_after_minutes: null,
      by: 'Ada',
      reason: 'nights are bad',
    });
    expect(changed.json).toEqual({
      ...before,
      severity: 'page',
      remind_after_minutes: null,
      parameters: { ...before.parameters, warn_above: 0.2 },
    });
    expect(await rule('crawl_error_rate')).toEqual(changed.json);
    const { rows } = await api.owner.query('select actor, act, reason, details from runledger.acts');
    expect(rows).toMatchObject([
      { actor: 'Ada', act: 'rule_set', reason: 'nights are bad', details: { parameters: { warn_above: 0.2 } } },
    ]);
    const { parameters, severity, remind_after_minutes } = before;
    await ask('PATCH', '/rules/crawl_error_rate', { parameters, severity, remind_after_minutes });
    expect(await rule('crawl_error_rate')).toEqual(before);
  });

  it('other limits hold for a tenant and a pipeline, are replaced as a whole, and go', async () => {
    const path = `/rules/crawl_error_rate/override?tenant=${TENANT_A}&pipeline=nightly`;
    await ask('PUT', path, { parameters: { warn_above: 0.1 } });
    const again = await ask('PUT', path, { enabled: false, parameters: { page_above: 0.9 } });
    expect(again.json.overrides).toEqual([
      { tenant_id: TENANT_A, pipeline: 'nightly', enabled: false, parameters: { page_above: 0.9 }, problem: null },
    ]);
    expect((await ask('DELETE', `/rules/crawl_error_rate/override?tenant=${TENANT_B}`)).status).toBe(404);
    expect((await ask('DELETE', path)).json.overrides).toEqual([]);
    expect(await acts()).toEqual([
      ['rule_set', 'rule crawl_error_rate', TENANT_A],
      ['rule_set', 'rule crawl_error_rate', TENANT_A],
      ['rule_reset', 'rule crawl_error_rate', TENANT_A],
    ]);
  });

  it.each([
    ['PATCH', '/rules/crawl_error_rate', { parameters: { warn_above: 'much' } }, 400],
    ['PATCH', '/rules/crawl_error_rate', { parameters: { unknown: 1 } }, 400],
    ['PATCH', '/rules/crawl_error_rate', { severity: 'loud' }, 400],
    ['PATCH', '/rules/crawl_error_rate', { remind_after_minutes: 1 }, 400],
    ['PATCH', '/rules/nothing', { enabled: false }, 404],
    ['PUT', '/rules/crawl_error_rate/override', { enabled: false }, 400],
    ['PUT', '/rules/crawl_error_rate/override?tenant=nobody', { enabled: false }, 404],
    ['PUT', '/rules/crawl_error_rate/override?tenant=7', { parameters: { warn_above: -1 } }, 400],
  ])('%s %s %j is refused with %i, and nothing is changed', async (method, path, body, status) => {
    const before = (await ask('GET', '/rules')).json;
    expect((await ask(method, path, body)).status).toBe(status);
    expect((await ask('GET', '/rules')).json).toEqual(before);
    expect(await acts()).toEqual([]);
  });
});

it('are for admins alone', async () => {
  const asked: [string, string, unknown?][] = [
    ['GET', '/channels'],
    ['POST', '/channels', { channel: 'x', kind: 'slack', url: SECRET_URL }],
    ['PATCH', '/channels/x', { enabled: false }],
    ['DELETE', '/channels/x'],
    ['POST', '/channels/x/test'],
    ['GET', '/rules'],
    ['PATCH', '/rules/run_failed', { enabled: false }],
    ['PUT', `/rules/run_failed/override?tenant=${TENANT_A}`, { enabled: false }],
    ['DELETE', `/rules/run_failed/override?tenant=${TENANT_A}`],
  ];
  for (const [method, path, body] of asked) {
    for (const token of [api.tokens.a, api.tokens.reviewer, api.tokens.writeOnly, api.tokens.ingest])
      expect((await ask(method, path, body, token)).status, `${method} ${path}`).toBe(403);
    expect((await ask(method, path, body, 'nobody')).status).toBe(401);
  }
});
