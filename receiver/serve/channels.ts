/**
 * The routes of /channels, for admins alone. A URL and a secret go in and never come out: of a URL the host is shown. Each change leaves an act
 * in the transaction that makes it.
 */

import { z } from 'zod';
import {
  type ChannelRecord,
  enableChannel,
  listChannels,
  putChannel,
  removeChannel,
} from '../derive/delivery/channels.ts';
import type { ChannelKey } from '../derive/delivery/outbox.ts';
import type { PostOutcome } from '../derive/delivery/post.ts';
import type { Queryable } from './access.ts';
import { recordAct } from './act.ts';
import { askStore } from './admin.ts';
import { tenantBody, tenantRef, text } from './input.ts';
import { Problem, unavailable } from './problem.ts';
import { readTenantId } from './read.ts';
import { type Asked, type Route, route } from './route.ts';
import { type ChannelLine, channelLine, channelList, channelShape, testedChannel } from './shape_alerting.ts';

/** Sends one message that says that nothing is wrong, now. @returns null when there is no such channel */
export type ChannelTester = (key: ChannelKey) => Promise<PostOutcome | null>;

export interface ChannelDeps {
  /** Left out: this process may not read addresses. */
  testChannel?: ChannelTester;
}

const params = z.strictObject({ channel: text(64).describe('Its name') });
const query = z.strictObject({
  tenant: tenantRef.optional().describe("A tenant's own channel; left out: of all tenants"),
});
const addBody = z.strictObject({
  channel: text(64).describe('Its name'),
  kind: z.enum(['slack', 'webhook', 'alertmanager']),
  url: text(8192).describe('A secret: nothing but its host is ever shown'),
  secret: text(512)
    .optional()
    .describe('webhook: key of its signatures, needed for a new one; alertmanager: bearer token. Never shown'),
  min_severity: z.enum(['warn', 'page']).default('warn'),
  allow_private: z
    .boolean()
    .default(false)
    .describe('Let it point to private and loopback addresses, and to plain http'),
  tenant: tenantBody.shape.tenant.optional().describe("A tenant's own channel; left out: of all tenants"),
});
const changeBody = z.strictObject({ enabled: z.boolean() });

export function channelRoutes(deps: ChannelDeps): Route[] {
  return [
    route({
      method: 'get',
      path: '/channels',
      access: 'admin',
      summary: 'Where alert messages go, without addresses and secrets',
      query,
      answer: channelList,
      handle: ({ query: { tenant } }, { scope }) =>
        scope.read(async (client) => {
          const tenantId = tenant === undefined ? null : await tenantOf(client, tenant);
          return { channels: (await listChannels(client, tenantId)).map(channelLine) };
        }),
    }),
    route({
      method: 'post',
      path: '/channels',
      access: 'admin',
      summary: 'Makes a channel, or changes the one of that name and kind',
      body: addBody,
      answer: channelShape,
      also: { 201: 'It is new' },
      handle: ({ body }, asked) => asked.scope.change((client) => addChannel(client, body, asked)),
    }),
    route({
      method: 'patch',
      path: '/channels/:channel',
      access: 'admin',
      summary: 'Disables or enables a channel; what waits for one that is disabled is given up',
      params,
      query,
      body: changeBody,
      answer: channelShape,
      handle: ({ params: { channel }, query: { tenant }, body: { enabled } }, asked) =>
        asked.scope.change(async (client) => {
          const key = { tenantId: await tenantOf(client, tenant), channel };
          if (!(await enableChannel(client, key.tenantId, channel, enabled))) throw noChannel(key);
          await recordChannelAct(client, asked, enabled ? 'channel_enable' : 'channel_disable', key);
          return channelLine(await readChannel(client, key));
        }),
    }),
    route({
      method: 'delete',
      path: '/channels/:channel',
      access: 'admin',
      summary: 'Forgets a channel; what waits for it is given up',
      params,
      query,
      answer: null,
      handle: ({ params: { channel }, query: { tenant } }, asked) =>
        asked.scope.change(async (client) => {
          const key = { tenantId: await tenantOf(client, tenant), channel };
          if (!(await askStore(() => removeChannel(client, key.tenantId, channel)))) throw noChannel(key);
          await recordChannelAct(client, asked, 'channel_remove', key);
          return undefined;
        }),
    }),
    route({
      method: 'post',
      path: '/channels/:channel/test',
      access: 'admin',
      summary: 'Sends one real test message now and says what came back',
      params,
      query,
      answer: testedChannel,
      async handle({ params: { channel }, query: { tenant } }, asked) {
        const key = { tenantId: await asked.scope.read((client) => tenantOf(client, tenant)), channel };
        if (deps.testChannel === undefined) throw unavailable('This process sends no messages');
        const outcome = await deps.testChannel(key);
        if (outcome === null) throw noChannel(key);
        const { ok, status } = outcome;
        const failure = outcome.ok ? null : outcome.failure;
        await asked.scope.change((client) =>
          recordChannelAct(client, asked, 'channel_test', key, { ok, status, failure }),
        );
        return { tenant_id: key.tenantId, channel, ok, status, failure };
      },
    }),
  ];
}

async function addChannel(client: Queryable, body: z.output<typeof addBody>, asked: Asked): Promise<ChannelLine> {
  const { channel, kind, url, secret, min_severity: minSeverity, allow_private: allowPrivate } = body;
  const tenantId = await tenantOf(client, body.tenant);
  const isKnown = (await listChannels(client, tenantId)).some((one) => one.channel === channel);
  if (!isKnown && kind === 'webhook' && secret === undefined)
    throw new Problem(
      400,
      'secret is needed for a new webhook: 16 to 512 visible ASCII characters, random; it signs what is sent',
    );
  const added = await askStore(() =>
    putChannel(client, {
      ...{ tenantId, channel, kind, url, minSeverity, allowPrivate },
      ...(secret === undefined ? {} : { secret }),
    }),
  );
  const record = await readChannel(client, { tenantId, channel });
  const { host } = record;
  const details = { kind, host, min_severity: minSeverity, allow_private: allowPrivate, secret: secret !== undefined };
  await recordChannelAct(
    client,
    asked,
    added === 'added' ? 'channel_add' : 'channel_change',
    { tenantId, channel },
    details,
  );
  if (added === 'added') asked.res.status(201);
  return channelLine(record);
}

/** @throws Problem 404 */
async function tenantOf(client: Queryable, ref: string | undefined): Promise<number> {
  if (ref === undefined) return 0;
  const tenantId = await readTenantId(client, ref);
  if (tenantId === null) throw new Problem(404, `There is no tenant ${ref}`);
  return tenantId;
}

async function readChannel(client: Queryable, key: ChannelKey): Promise<ChannelRecord> {
  const found = (await listChannels(client, key.tenantId)).find((one) => one.channel === key.channel);
  if (found === undefined) throw noChannel(key);
  return found;
}

function noChannel({ tenantId, channel }: ChannelKey): Problem {
  return new Problem(
    404,
    `There is no channel ${channel} ${tenantId === 0 ? 'of all tenants' : `of tenant ${tenantId}`}`,
  );
}

function recordChannelAct(
  client: Queryable,
  { caller, now }: Asked,
  act: string,
  { tenantId, channel }: ChannelKey,
  details: Record<string, unknown> = {},
): Promise<void> {
  return recordAct(client, caller, { tenantId, by: null, act, object: `channel ${channel}`, details }, now);
}
