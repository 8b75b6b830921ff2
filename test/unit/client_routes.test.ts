/** The client against the list of routes: none is left out, and what it sends is what the route's own schemas take, name by name. */

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Client, createClient } from '../../client/client.ts';
import { openApiDocument } from '../../receiver/serve/openapi.ts';
import type { Route } from '../../receiver/serve/route.ts';
import { apiRoutes } from '../../receiver/serve/routes.ts';
import { CLIENT_CALLS, LEFT_OUT, OPEN_CALLS } from '../helpers/client_calls.ts';

const routes = apiRoutes({
  jaegerUiUrl: null,
  storedKey: (key) => key,
  receiverHealth: () => null,
  signals: null,
  version: '0',
});
const nameOf = ({ method, path }: Pick<Route, 'method' | 'path'>) => `${method} ${path}`;

interface Sent {
  method: string;
  url: URL;
  body: unknown;
}

/** What a call of the client puts on the wire. */
async function sentBy(call: (client: Client) => PromiseLike<unknown>): Promise<Sent> {
  const sent: Sent[] = [];
  const client = createClient({
    url: 'http://127.0.0.1:1',
    token: 'rlt_x',
    fetch: async (url, init) => {
      const body = init?.body === undefined ? undefined : JSON.parse(String(init.body));
      sent.push({ method: String(init?.method).toLowerCase(), url: new URL(String(url)), body });
      return Response.json({ next_cursor: null });
    },
  });
  await call(client);
  expect(sent).toHaveLength(1);
  return sent[0] as Sent;
}

it('every route of the receiver has its function, or a reason why not', () => {
  const known = [...Object.keys(CLIENT_CALLS), ...Object.keys(LEFT_OUT)];
  const missing = routes.map(nameOf).filter((name) => !known.includes(name));
  expect(missing, 'add a function to client/ and its call to test/helpers/client_calls.ts').toEqual([]);
  const open = Object.entries(openApiDocument([], '0').paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  expect(open.length).toBeGreaterThan(4);
  expect(open.filter((name) => !(name in OPEN_CALLS) && !(name in LEFT_OUT))).toEqual([]);
});

it('no function asks for a route that is gone', () => {
  const names = routes.map(nameOf);
  expect(Object.keys(CLIENT_CALLS).filter((name) => !names.includes(name))).toEqual([]);
});

describe.each(routes.filter((route) => nameOf(route) in CLIENT_CALLS).map((route) => [nameOf(route), route] as const))(
  '%s',
  (name, route) => {
    const calls = CLIENT_CALLS[name] ?? [];

    it('is asked with what its schemas take', async () => {
      expect(calls.length).toBeGreaterThan(0);
      for (const call of calls) {
        const { method, url, body } = await sentBy(call);
        expect(method).toBe(route.method);
        const params = paramsOf(route.path, url.pathname);
        expect(route.params.safeParse(params).error, JSON.stringify(params)).toBeUndefined();
        const query = Object.fromEntries(url.searchParams);
        expect(route.query.safeParse(query).error, JSON.stringify(query)).toBeUndefined();
        if (route.body === null) expect(body).toBeUndefined();
        else expect(route.body.safeParse(body).error, JSON.stringify(body)).toBeUndefined();
      }
    });

    it('can be given all that it takes', async () => {
      const sent = await Promise.all(calls.map(sentBy));
      const query = new Set(sent.flatMap(({ url }) => [...url.searchParams.keys()]));
      expect([...query].sort()).toEqual(propertiesOf(route.query).sort());
      const body = new Set(sent.flatMap((one) => Object.keys(one.body ?? {})));
      expect([...body].sort()).toEqual((route.body === null ? [] : propertiesOf(route.body)).sort());
    });
  },
);

it.each(Object.entries(OPEN_CALLS))('%s is asked at its address', async (name, call) => {
  const { method, url } = await sentBy(call);
  const pattern = new RegExp(`^${name.replace(/\{\w+\}/, '[^/]+')}$`);
  expect(`${method} ${url.pathname}`).toMatch(pattern);
});

function paramsOf(path: string, pathname: string): Record<string, string> {
  const pattern = path.replace(/:(\w+)/g, '(?<$1>[^/]+)').replaceAll('.', '\\.');
  const found = new RegExp(`^${pattern}$`).exec(pathname);
  expect(found, `${pathname} is not ${path}`).not.toBeNull();
  return Object.fromEntries(Object.entries(found?.groups ?? {}).map(([key, part]) => [key, decodeURIComponent(part)]));
}

interface JsonSchema {
  properties?: Record<string, unknown>;
  oneOf?: JsonSchema[];
  anyOf?: JsonSchema[];
}

/** Names of all alternatives together. */
function propertiesOf(schema: z.ZodType): string[] {
  const { properties, oneOf, anyOf } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const alternatives = (oneOf ?? anyOf ?? []).flatMap((one) => Object.keys(one.properties ?? {}));
  return [...new Set([...Object.keys(properties ?? {}), ...alternatives])];
}
