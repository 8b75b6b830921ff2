/** GET /openapi.json: the routes as an OpenAPI 3.1 document, made from the schemas that check requests and that answers are tested against. */

import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { Route } from './route.ts';
import { runbookList } from './shape_alerts.ts';
import { sessionState } from './shape_session.ts';

type Json = Record<string, unknown>;

/** Routes that need no token and are served apart. */
const OPEN_ROUTES: readonly {
  method: string;
  path: string;
  summary: string;
  schema: z.ZodType | null;
  mediaType?: string;
}[] = [
  { method: 'get', path: '/runbooks', summary: 'What to do about alerts: the codes', schema: runbookList },
  {
    method: 'get',
    path: '/runbooks/{code}',
    summary: 'What to do about an alert',
    schema: null,
    mediaType: 'text/markdown',
  },
  { method: 'get', path: '/ui/session', summary: 'Who is signed in to the dashboard', schema: sessionState },
  { method: 'get', path: '/healthz', summary: 'The process answers', schema: z.object({ status: z.literal('ok') }) },
  {
    method: 'get',
    path: '/readyz',
    summary: 'It can do its work; 503 with what is wrong',
    schema: z.object({ ready: z.boolean(), checks: z.record(z.string(), z.string()) }),
  },
  { method: 'get', path: '/metrics', summary: 'Prometheus metrics', schema: null, mediaType: 'text/plain' },
];

const PROBLEM = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('What to do about it'),
  errors: z.array(z.object({ parameter: z.string(), message: z.string() })).optional(),
});

export function openApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Json> = {};
  const add = (path: string, method: string, operation: Json) => {
    paths[path] = { ...paths[path], [method]: operation };
  };
  for (const one of routes) add(one.path.replace(/:(\w+)/g, '{$1}'), one.method, describeRoute(one));
  for (const one of OPEN_ROUTES) add(one.path, one.method, describeOpen(one));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Runledger',
      version,
      description: 'A ledger of pipeline runs. Times are ISO 8601 in UTC, money is decimal text in US dollars.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: '`runledger token create` makes one' } },
      schemas: { Problem: jsonSchema(PROBLEM, 'output') },
    },
  };
}

function describeRoute(one: Route): Json {
  const body =
    one.body === null
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(one.body, 'input') } } } };
  return {
    operationId: operationId(one),
    summary: one.summary,
    description: `For ${ACCESS[one.access]}.`,
    parameters: [...parametersOf(one.params, 'path'), ...parametersOf(one.query, 'query')],
    ...body,
    responses: responsesOf(one),
  };
}

const ACCESS: Record<Route['access'], string> = {
  read: 'tenant tokens of scope read, and admins',
  write: 'tenant tokens of scope write, and admins',
  review: 'tenant tokens of scope review, and admins',
  any: 'tenant tokens and admins',
  admin: 'admins',
};

function operationId({ method, path }: Route): string {
  const words = path.split(/[/.]/).filter((word) => word !== '');
  return [method, ...words.map((word) => (word.startsWith(':') ? `by_${word.slice(1)}` : word))].join('_');
}

function parametersOf(schema: z.ZodType, place: 'path' | 'query'): Json[] {
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...of }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: of,
  }));
}

function responsesOf(one: Route): Json {
  const responses: Record<string, Json> = { [one.status]: { description: 'Done', ...contentOf(one) } };
  for (const [status, description] of Object.entries(one.also ?? {})) {
    responses[status] = Number(status) < 300 ? { description, ...contentOf(one) } : problem(description);
  }
  responses['400'] ??= problem('A parameter does not fit; `errors` names it');
  responses['401'] = problem('No token, or one that does not hold');
  responses['403'] = problem('The token may not do this');
  responses['404'] ??= problem('There is no such thing, or it is of another tenant');
  responses['429'] = problem('Too many requests with this token; Retry-After says when to go on');
  responses['503'] = problem('The database is away or took too long; Retry-After says when to try again');
  if (one.body !== null) {
    responses['413'] = problem('The body is too large');
    responses['415'] = problem('The body is compressed or not UTF-8');
  }
  return responses;
}

function contentOf({ answer }: Route): Json {
  if (answer === null) return {};
  if (!(answer instanceof z.ZodType)) {
    return { description: answer.description, content: { [answer.mediaType]: { schema: { type: 'string' } } } };
  }
  return { content: { 'application/json': { schema: jsonSchema(answer, 'output') } } };
}

function problem(description: string): Json {
  return { description, content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } };
}

function describeOpen({
  method,
  path,
  summary,
  schema,
  mediaType = 'application/json',
}: (typeof OPEN_ROUTES)[number]): Json {
  const content = { [mediaType]: { schema: schema === null ? { type: 'string' } : jsonSchema(schema, 'output') } };
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => {
    return { name, in: 'path', required: true, schema: { type: 'string' } };
  });
  const operation = { operationId: `${method}${path.replace(/\W+/g, '_')}`, summary, security: [], parameters };
  return { ...operation, responses: { 200: { description: 'Done', content }, default: problem('Why not') } };
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

/** Made when it is first asked for, and once. */
export function openApiRoute(routes: readonly Route[], version: string): Router {
  let document: Json | null = null;
  const answer: RequestHandler = (_req, res) => {
    document ??= openApiDocument(routes, version);
    res.json(document);
  };
  return Router().get('/openapi.json', answer);
}
