/**
 * The five states of a run through the whole receiver: spans, people and silence in every order. After each story audit and rebuild find
 * nothing to say.
 */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { abandonSilentRuns } from '../../receiver/derive/abandon.ts';
import { audit } from '../../receiver/derive/audit.ts';
import { rebuild } from '../../receiver/derive/rebuild.ts';
import { OTHER, type RunAnswer, type Stories, startStories, TENANT } from '../helpers/run_stories.ts';

const MINUTE_MS = 60_000;

let stories: Stories;

beforeAll(async () => {
  stories = await startStories();
});
afterAll(() => stories.close());

afterEach(async () => {
  expect((await audit(stories.owner)).difference).toBe(0);
  expect((await rebuild(stories.owner)).changes).toEqual([]);
  expect((await audit(stories.owner)).difference).toBe(0);
});

const ask: Stories['ask'] = (...asked) => stories.ask(...asked);
const get: Stories['get'] = (ref) => stories.get(ref);
const send: Stories['send'] = (...signal) => stories.send(...signal);
const cancel: Stories['cancel'] = (...asked) => stories.cancel(...asked);

describe('a run that begins by the API', () => {
  it('is there at once, is the same for the same key, and its own span then says what it is', async () => {
    const body = { pipeline: 'announced', run_key: 'night-1', environment: 'production' };
    const first = await ask('POST', '/runs', body);
    expect(first.status).toBe(201);
    const made = (await first.json()) as RunAnswer;
    expect(made).toMatchObject({
      status: 'running',
      pipeline: 'announced',
      environment: 'production',
      run_key: 'night-1',
    });
    const second = await ask('POST', '/runs', { ...body, pipeline: 'another' });
    expect(second.status).toBe(200);
    expect(await second.json()).toMatchObject({
      run_id: made.run_id,
      pipeline: 'announced',
      started_at: made.started_at,
    });

    await send('night-1', { from: 10, to: 60, pipeline: 'as the span says' });
    const ended = await get('night-1');
    expect(ended).toMatchObject({ run_id: made.run_id, status: 'succeeded', pipeline: 'as the span says' });
    expect(ended.started_at).toBe(made.started_at);
    expect(ended.trace_id).toMatch(/^0+[0-9a-f]+$/);
  });

  it('of many who begin it at once exactly one made it', async () => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => ask('POST', '/runs', { pipeline: 'p', run_key: 'race' })),
    );
    const ids = await Promise.all(answers.map(async (answer) => ((await answer.json()) as RunAnswer).run_id));
    expect(new Set(ids).size).toBe(1);
    expect(answers.filter((answer) => answer.status === 201).length).toBeGreaterThanOrEqual(1);
    expect((await ask('POST', '/runs', { pipeline: 'p', run_key: 'race' })).status).toBe(200);
  });

  it('has a key made for it when it brings none, and takes a decimal key as its id', async () => {
    const made = (await (await ask('POST', '/runs', { pipeline: 'p' })).json()) as RunAnswer;
    expect(made.run_key).toMatch(/^api-/);
    expect(await (await ask('POST', '/runs', { pipeline: 'p', run_key: '4242' })).json()).toMatchObject({
      run_id: 4242,
      run_key: null,
    });
  });

  it('a key with an address in it is stored hashed, and found by the key as it was sent, from spans too', async () => {
    const key = 'night of jane@example.com';
    const made = (await (
      await ask('POST', '/runs', { pipeline: 'for jane@example.com', run_key: key })
    ).json()) as RunAnswer;
    expect(JSON.stringify(made)).not.toContain('jane@example.com');
    expect((await ask('POST', '/runs', { pipeline: 'p', run_key: key })).status).toBe(200);
    await send(key, { from: 10, to: 20 });
    expect(await get(key)).toMatchObject({ run_id: made.run_id, status: 'succeeded' });
    const { rows } = await stories.owner.query(
      "select count(*)::int as n from enrichment_runs r where r::text like '%example.com%'",
    );
    expect(rows).toEqual([{ n: 0 }]);
  });

  it.each([
    [{}, 400],
    [{ pipeline: '' }, 400],
    [{ pipeline: 'p', run_key: '\0' }, 400],
    [{ pipeline: 'p', langsmith_url: 'http://evil.example/x' }, 400],
    [{ pipeline: 'p', tenant: OTHER }, 404],
    [{ pipeline: 'p', status: 'succeeded' }, 400],
  ])('%j is %i', async (body, status) => {
    const answer = await ask('POST', '/runs', body);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      status,
      expect.stringContaining('problem+json'),
    ]);
  });

  it('is begun by writers and admins alone; an admin says for whom', async () => {
    expect((await ask('POST', '/runs', { pipeline: 'p' }, stories.tokens.read)).status).toBe(403);
    expect((await ask('POST', '/runs', { pipeline: 'p' }, stories.receiver.ingestToken)).status).toBe(403);
    expect((await ask('POST', '/runs', { pipeline: 'p' }, stories.receiver.adminToken)).status).toBe(400);
    expect((await ask('POST', '/runs', { pipeline: 'p', tenant: 999 }, stories.receiver.adminToken)).status).toBe(404);
    expect((await ask('POST', '/runs', { pipeline: 'p', tenant: TENANT }, stories.receiver.adminToken)).status).toBe(
      201,
    );
  });
});

describe('cancelled', () => {
  it('a running run is; an end that came before stays behind it, a later end decides', async () => {
    await send('c-1', { from: -5_000, to: 0, marker: true });
    expect((await get('c-1')).status).toBe('running');
    const answer = await cancel('c-1');
    expect(await answer.json()).toMatchObject({ status: 'cancelled', ended_at: expect.any(String) });
    await send('c-1', { from: -5_000, to: -2_000 });
    expect((await get('c-1')).status).toBe('cancelled');
    await send('c-1', { from: -5_000, to: 3_000, status: 'failed' });
    expect((await get('c-1')).status).toBe('failed');
    expect((await cancel('c-1')).status).toBe(409);
  });

  it('a later start reopens it', async () => {
    await send('c-2', { from: -5_000, to: 0, marker: true });
    await cancel('c-2');
    await send('c-2', { from: 1_000, to: 1_000, marker: true });
    expect(await get('c-2')).toMatchObject({ status: 'running', ended_at: null });
    await send('c-2', { from: 1_000, to: 2_000 });
    expect((await get('c-2')).status).toBe('succeeded');
  });

  it('does not change what a run is called or when it began', async () => {
    await send('c-3', { from: -60_000, to: 0, marker: true, pipeline: 'hourly' });
    const before = await get('c-3');
    await cancel('c-3');
    expect(await get('c-3')).toMatchObject({
      pipeline: 'hourly',
      started_at: before.started_at,
      trace_id: before.trace_id,
    });
  });

  it('needs a name and a reason, leaves a line of who and why, and is nobody else’s to do', async () => {
    await send('c-4', { from: -5_000, to: 0, marker: true });
    const { run_id } = await get('c-4');
    expect((await ask('PATCH', '/runs/c-4', { action: 'cancel' })).status).toBe(400);
    expect((await ask('PATCH', '/runs/c-4', { action: 'cancel', by: 'Ana', reason: ' ' })).status).toBe(400);
    expect((await ask('PATCH', '/runs/c-4', { action: 'stop', by: 'Ana', reason: 'x' })).status).toBe(400);
    for (const [token, status] of [
      [stories.tokens.other, 404],
      [stories.tokens.read, 403],
      [stories.receiver.ingestToken, 403],
      ['nobody-has-this-token', 401],
    ] as const) {
      expect((await cancel('c-4', token)).status).toBe(status);
    }
    expect((await get('c-4')).status).toBe('running');
    expect((await cancel('c-4', stories.receiver.adminToken)).status).toBe(200);
    const { acts } = (await (
      await ask('GET', `/acts?object=run%20${run_id}`, undefined, stories.receiver.adminToken)
    ).json()) as {
      acts: object[];
    };
    expect(acts).toMatchObject([
      {
        actor: 'Ana',
        act: 'run_cancel',
        reason: 'wrong list of targets',
        tenant_id: TENANT,
        details: { status: 'running' },
      },
    ]);
  });
});

describe('abandoned', () => {
  async function fallSilent(ref: string): Promise<number> {
    const { run_id } = await get(ref);
    const silence = `update enrichment_runs set last_received_at = last_received_at - interval '31 minutes' where tenant_id = $1 and run_id = $2`;
    await stories.owner.query(silence, [TENANT, run_id]);
    return abandonSilentRuns(stories.owner);
  }

  it('after half an hour of silence, and any later span corrects it', async () => {
    await send('a-1', { from: -40 * MINUTE_MS, to: 0, marker: true });
    expect(await fallSilent('a-1')).toBe(1);
    expect((await get('a-1')).status).toBe('abandoned');
    await send('a-1', { from: -40 * MINUTE_MS, to: -35 * MINUTE_MS });
    expect(await get('a-1')).toMatchObject({ status: 'succeeded' });
  });

  it('a run that somebody announced and nobody began is, and can then be cancelled', async () => {
    await ask('POST', '/runs', { pipeline: 'p', run_key: 'a-2' });
    expect(await fallSilent('a-2')).toBe(1);
    expect((await get('a-2')).status).toBe('abandoned');
    expect((await cancel('a-2')).status).toBe(200);
    expect((await get('a-2')).status).toBe('cancelled');
    expect(await abandonSilentRuns(stories.owner, new Date(Date.now() + 120 * MINUTE_MS))).toBeGreaterThanOrEqual(0);
    expect((await get('a-2')).status).toBe('cancelled');
  });
});

describe('excluded and noted', () => {
  it('without touching the state, and taken in again', async () => {
    await send('e-1', { from: -5_000, to: -1_000 });
    const change = (body: object) => ask('PATCH', '/runs/e-1', { by: 'Ana', ...body });
    expect(await (await change({ action: 'exclude', reason: 'test data' })).json()).toMatchObject({
      excluded: true,
      status: 'succeeded',
    });
    expect(await (await change({ action: 'note', note: 'on <b>purpose</b>' })).json()).toMatchObject({
      excluded: true,
      note: 'on <b>purpose</b>',
    });
    expect(await (await change({ action: 'include' })).json()).toMatchObject({ excluded: false });
    expect(await (await change({ action: 'note', note: null })).json()).toMatchObject({ note: null });
    expect(
      (await ask('PATCH', '/runs/e-1', { action: 'exclude', by: 'Eve', reason: 'x' }, stories.tokens.other)).status,
    ).toBe(404);
  });

  it('a run whose row is lost comes back as spans and people left it', async () => {
    await send('e-2', { from: -9_000, to: 0, marker: true });
    await cancel('e-2');
    await ask('PATCH', '/runs/e-2', { action: 'exclude', by: 'Ana', reason: 'test data' });
    await ask('PATCH', '/runs/e-2', { action: 'note', by: 'Ana', note: 'see the mail of Monday' });
    const { run_id, started_at, ended_at } = await get('e-2');
    await stories.owner.query('delete from enrichment_runs where tenant_id = $1 and run_id = $2', [TENANT, run_id]);
    const { changes } = await rebuild(stories.owner, { tenantId: TENANT, runId: run_id });
    expect(changes[0]).toMatchObject({ what: 'enrichment_runs', change: 'restored' });
    expect(await get('e-2')).toMatchObject({
      run_id,
      started_at,
      ended_at,
      status: 'cancelled',
      excluded: true,
      note: 'see the mail of Monday',
    });
    await send('e-2', { from: 1_000, to: 2_000 });
    expect((await get('e-2')).status).toBe('succeeded');
  });
});
