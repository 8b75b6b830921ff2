/**
 * What a route is: its path, whom it is for, the schemas of what it takes and gives, and the work. The server, /openapi.json, GET / and the
 * tests of both are made from the same list, so that none of them can leave a route out.
 */

import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import { z } from 'zod';
import { type Access, type Caller, callerOf, type Scope, type ScopePools, scopeFor } from './access.ts';
import { check } from './input.ts';
import { Problem } from './problem.ts';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** What a handler gets beside its checked input. */
export interface Asked {
  scope: Scope;
  caller: Caller;
  /** Of the request, when it began: one moment for all that one answer says. */
  now: Date;
  req: Request;
  res: Response;
}

/** A body that is not JSON, written by the handler itself. */
export interface FileAnswer {
  mediaType: string;
  description: string;
}

interface RouteFacts {
  method: Method;
  /** As express takes it. */
  path: string;
  access: Access;
  /** One line for /openapi.json and GET /. */
  summary: string;
  /** More of what can be answered: status and when. */
  also?: Record<number, string>;
  /** Of success; default 200, or 204 without an answer. */
  status?: number;
}

interface RouteSpec<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType>
  extends RouteFacts {
  params?: P;
  query?: Q;
  body?: B;
  /** null: nothing is answered. */
  answer: A | FileAnswer | null;
  /** Gives the answer, or undefined when it has written one itself. */
  handle(
    input: { params: z.output<P>; query: z.output<Q>; body: z.output<B> },
    asked: Asked,
  ): Promise<z.output<A> | undefined>;
}

export interface Route extends RouteFacts {
  params: z.ZodType;
  query: z.ZodType;
  body: z.ZodType | null;
  answer: z.ZodType | FileAnswer | null;
  status: number;
  run(req: Request, res: Response, pools: ScopePools): Promise<void>;
}

const NOTHING = z.strictObject({});
const BODY_BYTES = 16 * 1024;
/** Shorter answers fit into a packet or two as they are. */
const COMPRESSED_BYTES_MIN = 4096;
const compressed = promisify(gzip);

export function route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType>(
  spec: RouteSpec<P, Q, B, A>,
): Route {
  const { params, query, body, handle, ...facts } = spec;
  const status = spec.status ?? (spec.answer === null ? 204 : 200);
  return {
    ...facts,
    params: params ?? NOTHING,
    query: query ?? NOTHING,
    body: body ?? null,
    status,
    async run(req, res, pools) {
      const caller = callerOf(res);
      const input = {
        params: check(params ?? NOTHING, req.params) as z.output<P>,
        query: check(query ?? NOTHING, req.query) as z.output<Q>,
        body: (body === undefined ? undefined : check(body, req.body)) as z.output<B>,
      };
      const answer = await handle(input, {
        scope: scopeFor(caller, spec.access, pools),
        caller,
        now: new Date(),
        req,
        res,
      });
      if (res.headersSent || res.writableEnded) return;
      if (spec.answer === null) res.status(status).end();
      else if (answer !== undefined) await sendJson(req, res, res.statusCode === 200 ? status : res.statusCode, answer);
    },
  };
}

/**
 * Nothing private is cached on the way or on disk; whoever keeps an answer in memory and asks again with its ETag gets 304 and no body. Only
 * what is read is compressed: an answer to a change may hold a token beside words of the request, and its length must not tell of them.
 */
async function sendJson(req: Request, res: Response, status: number, answer: unknown): Promise<void> {
  const body = JSON.stringify(answer);
  res.status(status).type('json');
  if (req.method === 'GET' || req.method === 'HEAD') {
    const tag = `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
    res.set('ETag', tag);
    // Not req.fresh: fetch adds Cache-Control: no-cache to a request with If-None-Match, and then nothing would ever be fresh.
    if (req.headers['if-none-match']?.split(/\s*,\s*/).includes(tag) === true) {
      res.status(304).end();
      return;
    }
    res.vary('Accept-Encoding');
    if (body.length >= COMPRESSED_BYTES_MIN && req.acceptsEncodings('gzip') === 'gzip') {
      res.set('Content-Encoding', 'gzip').send(await compressed(body));
      return;
    }
  }
  res.send(body);
}

/** Whoever may not is turned away before a body is read. */
export function mount(routes: readonly Route[], pools: ScopePools): Router {
  const router = Router();
  const readBody = express.json({ limit: BODY_BYTES, inflate: false, strict: false, type: () => true });
  for (const one of routes) {
    const guard: RequestHandler = (_req, res, next) => {
      scopeFor(callerOf(res), one.access, pools);
      next();
    };
    const handlers = one.body === null ? [guard] : [guard, readBody];
    router[one.method](one.path, ...handlers, (req, res) => one.run(req, res, pools));
  }
  for (const [path, methods] of methodsByPath(routes)) {
    router.all(path, (req) => {
      const allowed = methods.join(', ');
      throw new Problem(405, `${req.method} is not done here; ${allowed} is`, { headers: { Allow: allowed } });
    });
  }
  return router;
}

function methodsByPath(routes: readonly Route[]): Map<string, string[]> {
  const byPath = new Map<string, string[]>();
  for (const { path, method } of routes) {
    const methods = byPath.get(path) ?? [];
    methods.push(...(method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]));
    byPath.set(path, methods);
  }
  return byPath;
}
